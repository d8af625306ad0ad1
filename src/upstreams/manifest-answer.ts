/** Manifests as upstreams send them, believed only as far as their bytes bear it out. */
import { algorithmOf, type Digest, digestOf, isDigest } from '../oci/digest.ts';
import { maxManifestBytes } from '../oci/manifest.ts';
import { essenceOf } from '../oci/media-types.ts';
import { isDigestReference, type Reference } from '../oci/reference.ts';
import type { Answer } from '../outbound/answer.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { FetchedManifest } from './upstream.ts';

/** Docker-Content-Digest, or the ETag where that is a digest; quotes and `W/` do not count. */
export function findDigest(answer: Answer): Digest | undefined {
  const etag = answer
    .header('etag')
    ?.trim()
    .replace(/^(?:W\/)?"?/i, '')
    .replace(/"$/, '');
  return [answer.header('docker-content-digest')?.trim(), etag].find(
    (text) => text !== undefined && isDigest(text),
  );
}

/** @throws OutboundError 'invalid' where the bytes are too many, or not those of the reference or of what the upstream itself says. */
export async function readManifest(answer: Answer, reference: Reference): Promise<FetchedManifest> {
  const payload = await answer.read(maxManifestBytes);
  const asked = isDigestReference(reference) ? reference : undefined;
  const digest = digestOf(payload, asked && algorithmOf(asked));
  if (asked !== undefined && asked !== digest)
    throw new OutboundError('invalid', `sent a manifest with digest ${digest} for ${asked}`, {
      status: answer.status,
    });
  const said = answer.header('docker-content-digest')?.trim() ?? '';
  if (
    isDigest(said) &&
    said !== (algorithmOf(said) === algorithmOf(digest) ? digest : digestOf(payload, algorithmOf(said)))
  )
    throw new OutboundError('invalid', `sent a manifest that has not the digest it says, ${said}`, {
      status: answer.status,
    });
  const contentType = answer.header('content-type');
  return {
    payload,
    contentType: contentType === undefined ? undefined : essenceOf(contentType),
    digest,
    etag: answer.header('etag'),
  };
}
