/** Media types of manifests. https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md */
import { OciError } from './errors.ts';

export const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
export const ociIndex = 'application/vnd.oci.image.index.v1+json';
export const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json';
export const dockerList = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const octetStream = 'application/octet-stream';

/** What we ask upstreams for: the stored manifest, whatever its kind, never a conversion. */
export const manifestAccept = [ociIndex, dockerList, ociManifest, dockerManifest, '*/*;q=0.1'].join(', ');

/** Signed, as registries have them. */
export const dockerSchema1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
const schema1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/;
const nonDistributable =
  /^application\/vnd\.(?:oci\.image\.layer\.nondistributable\.|docker\.image\.rootfs\.foreign\.)/;

/** Manifests of what is no image, from before images could have a subject. Nobody pushes them any more; some are pulled. */
const artifacts = [
  'application/vnd.oci.artifact.manifest.v1+json',
  'application/vnd.cncf.oras.artifact.manifest.v1+json',
];

export function isArtifactManifest(mediaType: string): boolean {
  return artifacts.includes(mediaType);
}

export function isSchema1(mediaType: string | undefined): boolean {
  return mediaType !== undefined && schema1.test(mediaType);
}

/** Whether it is of layers that are fetched from elsewhere, and need not be in the registry. */
export function isNonDistributable(mediaType: string): boolean {
  return nonDistributable.test(mediaType);
}

/** Whether a manifest of this type lists blobs or other manifests; undefined for any other type. */
export function manifestKindOf(mediaType: string): 'image' | 'index' | undefined {
  if (mediaType === ociManifest || mediaType === dockerManifest) return 'image';
  return mediaType === ociIndex || mediaType === dockerList ? 'index' : undefined;
}

/** Whether it is the type of a manifest of whatever kind, as which what comes from elsewhere may be served. */
export function isManifestType(mediaType: string): boolean {
  return manifestKindOf(mediaType) !== undefined || isSchema1(mediaType) || isArtifactManifest(mediaType);
}

/** RFC 6838: two names of up to 127 characters each. */
const maxMediaTypeLength = 255;
/** What is in no text, and what a database does not keep: control characters and halves of surrogate pairs. */
const noText = /\p{Cc}|\p{Cs}/u;

/** Whether it can be one at all; people make them up freely. */
export function isMediaType(text: string): boolean {
  return text.length <= maxMediaTypeLength && !noText.test(text);
}

/** @throws OciError MANIFEST_INVALID (415) for the type of no manifest that can be pushed */
export function getManifestKind(mediaType: string): 'image' | 'index' {
  const kind = manifestKindOf(mediaType);
  if (kind !== undefined) return kind;
  const detail = `'${mediaType.slice(0, 160)}' is no type of a manifest that is known here; OCI manifests and indexes, Docker manifests (schema 2) and lists are`;
  throw new OciError('MANIFEST_INVALID', { detail, status: 415 });
}

/** A form is what curl calls whatever it is not told the type of. */
const unspecific = [
  ...['', octetStream, 'binary/octet-stream', 'application/json', 'text/plain'],
  'application/x-www-form-urlencoded',
];

/** Whether a sender who gives this type says nothing about what the content is. */
export function isUnspecific(mediaType: string): boolean {
  return unspecific.includes(mediaType);
}

/** The media type without parameters, in lower case. */
export function essenceOf(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
}
