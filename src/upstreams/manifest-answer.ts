/** Manifests as upstreams send them, believed only as far as their bytes bear it out. */
import { algorithmOf, type Digest, digestOf, isDigest } from '../oci/digest.ts';
import { maxManifestBytes } from '../oci/manifest.ts';
import { essenceOf, isSchema1 } from '../oci/media-types.ts';
import { isDigestReference, type Reference } from '../oci/reference.ts';
import { parseJsonRecord } from '../oci/untrusted-json.ts';
import type { Answer } from '../outbound/answer.ts';
import { decodings } from '../outbound/content-coding.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { FetchedManifest } from './upstream.ts';

export interface ReadManifest {
  readonly manifest: FetchedManifest;
  /** What the upstream says the digest is, where the bytes say otherwise. */
  readonly otherDigest: Digest | undefined;
}

/** Docker-Content-Digest, or the ETag where that is a digest; quotes and `W/` do not count. */
export function findDigest(answer: Answer): Digest | undefined {
  const [, etag] = answer.header('etag')?.match(/^\s*(?:W\/)?"?(\S+?)"?\s*$/i) ?? [];
  return [answer.header('docker-content-digest')?.trim(), etag].find(isDigest);
}

/** @throws OutboundError 'invalid' where the bytes are too many, or not those of the digest that was asked for. */
export async function readManifest(answer: Answer, reference: Reference): Promise<ReadManifest> {
  const asked = isDigestReference(reference) ? reference : undefined;
  const received = await answer.read(maxManifestBytes);
  const payload = (await findPayload(answer, received, asked)) ?? received;
  const digest = digestOf(payload, asked && algorithmOf(asked));
  if (asked !== undefined && asked !== digest)
    throw new OutboundError('invalid', `sent a manifest with digest ${digest} for ${asked}`, {
      status: answer.status,
    });
  const contentType = answer.header('content-type');
  const type = contentType === undefined ? undefined : essenceOf(contentType);
  const said = answer.header('docker-content-digest')?.trim();
  // Of schema 1, it is the digest of the bytes without their signatures.
  const isOther =
    asked === undefined &&
    isDigest(said) &&
    said !== digest &&
    !isSchema1(type) &&
    ![payload, received].some((bytes) => digestOf(bytes, algorithmOf(said)) === said);
  return {
    manifest: { payload, contentType: type, digest, etag: answer.header('etag') },
    otherDigest: isOther ? said : undefined,
  };
}

/** The bytes as they came or decoded, whichever have the digest or, without one, are JSON. */
async function findPayload(
  answer: Answer,
  received: Buffer,
  asked: Digest | undefined,
): Promise<Buffer | undefined> {
  if (answer.codings.length === 0) return received;
  for await (const bytes of decodings(received, answer.codings, maxManifestBytes))
    if (asked ? digestOf(bytes, algorithmOf(asked)) === asked : parseJsonRecord(bytes)) return bytes;
  return undefined;
}
