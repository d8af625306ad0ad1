/** Images that cosign signed for tests/fixtures/signatures, and its signatures, as a fake registry and a pusher take them. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Digest, parseDigest } from '../../src/oci/digest.ts';
import { bytesBlob, type FakeManifest } from './fake-content.ts';

interface Recorded {
  readonly public_key: string;
  readonly other_key: string;
  readonly manifests: Readonly<Record<string, { media_type: string; payload: string; tag?: string }>>;
  readonly blobs: Readonly<Record<string, string>>;
  /** Signed under cosign's tag. */
  readonly tagged: string;
  /** Signed by a bundle, a referrer. */
  readonly bundled: string;
  /** As {@link bundled}; its child has no signature of its own. */
  readonly index: string;
  readonly child: string;
  readonly unsigned: string;
}

const file = resolve(import.meta.dirname, '../fixtures/signatures/cosign.json');
export const signed: Recorded = JSON.parse(readFileSync(file, 'utf8'));

export interface RecordedManifest {
  readonly manifest: FakeManifest;
  readonly tag: string | undefined;
}

interface Said {
  readonly config?: { readonly digest: string };
  readonly layers?: readonly { readonly digest: string }[];
  readonly subject?: { readonly digest: string };
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Children before what refers to them. */
export function signedManifests(): readonly RecordedManifest[] {
  return Object.entries(signed.manifests).map(([digest, { media_type: mediaType, payload, tag }]) => {
    const said: Said = JSON.parse(payload);
    return {
      tag,
      manifest: {
        digest: parseDigest(digest),
        mediaType,
        payload: Buffer.from(payload),
        subject: said.subject && parseDigest(said.subject.digest),
        artifactType: said.artifactType,
        annotations: said.annotations,
        config: said.config && blobOf(parseDigest(said.config.digest)),
        layers: (said.layers ?? []).map((layer) => blobOf(parseDigest(layer.digest))),
      },
    };
  });
}

function blobOf(digest: Digest) {
  return bytesBlob(signed.blobs[digest] ?? '');
}
