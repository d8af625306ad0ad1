/** Finds signatures where cosign puts them: under a tag of its own, and as referrers. */
import { type Digest, hexOf } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import { type ManifestReference, parseManifest } from '../oci/manifest.ts';
import type { Reference } from '../oci/reference.ts';
import { cosignTags } from '../oci/referrer-kind.ts';
import { isRecord, readTexts } from '../oci/untrusted-json.ts';
import type { ImageContent } from './admission-policy.ts';
import { SignatureFault } from './signature-fault.ts';

export interface FoundSignature {
  readonly kind: SignatureKind;
  /** The payload, or the bundle. */
  readonly bytes: Buffer;
  /** Of the layer, where cosign keeps all but the payload. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Where it is, for people. */
  readonly foundAt: string;
}

export type SignatureKind = 'simple-signing' | 'bundle';

/** Of one image; what is beyond is not looked at. */
export const maxSignatures = 32;
/** Of a payload or bundle, which have a few thousand. */
export const maxSignatureBytes = 1024 * 1024;

const simpleSigning = 'application/vnd.dev.cosign.simplesigning.v1+json';
const bundle = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.\d)?\+json/;

/**
 * What may be signatures of the digest, one after the other: at most {@link maxSignatures}.
 * @throws OciError where it cannot be known whether there are more, SignatureFault for one that is too large
 */
export async function* findSignatures(
  source: ImageContent,
  digest: Digest,
  signal: AbortSignal,
): AsyncGenerator<FoundSignature | SignatureFault> {
  let left = maxSignatures;
  const signaturesAt = async function* (reference: Reference, foundAt: string, kinds: KindOf) {
    const layers = await layersOf(source, reference, signal);
    for (const { layer, annotations } of layers) {
      const kind = kinds(layer.mediaType);
      if (kind === undefined) continue;
      left -= 1;
      if (left < 0) return;
      const bytes = await readBlob(source, layer, signal);
      yield bytes instanceof SignatureFault ? bytes : { kind, bytes, annotations, foundAt };
    }
  };
  for (const { tag, kind } of cosignTags(digest))
    if (kind === 'signature')
      yield* signaturesAt(tag, `tag ${tag}`, (type) =>
        type === simpleSigning ? 'simple-signing' : undefined,
      );
  const { descriptors } = await source.referrers(digest, signal);
  for (const { digest: referrer, artifactType = '' } of descriptors) {
    if (left <= 0) break;
    if (bundle.test(artifactType))
      yield* signaturesAt(referrer, `referrer ${referrer}`, (type) =>
        bundle.test(type) ? 'bundle' : undefined,
      );
  }
  if (left <= 0) yield new SignatureFault(`is one of more than ${maxSignatures}, which are not looked at`);
}

type KindOf = (mediaType: string) => SignatureKind | undefined;

interface SignatureLayer {
  readonly layer: ManifestReference;
  readonly annotations: Readonly<Record<string, string>>;
}

/** None where there is no such manifest. */
async function layersOf(
  source: ImageContent,
  reference: Reference,
  signal: AbortSignal,
): Promise<readonly SignatureLayer[]> {
  const found = await source.manifest(reference, false, signal).catch((error: unknown) => {
    if (error instanceof OciError && error.status === 404) return undefined;
    throw error;
  });
  if (!found) return [];
  const { references, json } = parseManifest(found.payload, found.mediaType);
  const said = Array.isArray(json['layers']) ? json['layers'] : [];
  return references
    .filter(({ kind }) => kind === 'layer')
    .map((layer, index) => ({ layer, annotations: annotationsIn(said[index]) }));
}

function annotationsIn(layer: unknown): Readonly<Record<string, string>> {
  return (isRecord(layer) && readTexts(layer['annotations'])) || {};
}

/** All of a small blob; a fault where it is not there, or is none. @throws OciError where it cannot be got */
export async function readBlob(
  source: Pick<ImageContent, 'blob'>,
  { digest, size }: Pick<ManifestReference, 'digest' | 'size'>,
  signal: AbortSignal,
  maxBytes = maxSignatureBytes,
): Promise<Buffer | SignatureFault> {
  if (size > maxBytes) return new SignatureFault(`has ${size} bytes, over ${maxBytes}`);
  const blob = await source.blob(digest, signal).catch((error: unknown) => {
    if (error instanceof OciError && error.status === 404) return undefined;
    throw error;
  });
  if (!blob) return new SignatureFault(`is not there: ${hexOf(digest).slice(0, 12)}`);
  try {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of blob.read(0, undefined, signal)) {
      bytes += chunk.length;
      if (bytes > maxBytes) return new SignatureFault(`has over ${maxBytes} bytes`);
      chunks.push(Buffer.from(chunk));
    }
    return Buffer.concat(chunks);
  } finally {
    await blob.close();
  }
}
