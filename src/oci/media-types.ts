/** Media types of manifests. https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md */
export const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
export const ociIndex = 'application/vnd.oci.image.index.v1+json';
export const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json';
export const dockerList = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const octetStream = 'application/octet-stream';

/** What we ask upstreams for: the stored manifest, whatever its kind, never a conversion. */
export const manifestAccept = [ociIndex, dockerList, ociManifest, dockerManifest, '*/*;q=0.1'].join(', ');

const schema1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/;
const nonDistributable =
  /^application\/vnd\.(?:oci\.image\.layer\.nondistributable\.|docker\.image\.rootfs\.foreign\.)/;

export function isSchema1(mediaType: string): boolean {
  return schema1.test(mediaType);
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

/** Whether a sender who gives this type says nothing about what the content is. */
export function isUnspecific(mediaType: string): boolean {
  return ['', octetStream, 'application/json', 'text/plain'].includes(mediaType);
}

/** The media type without parameters, in lower case. */
export function essenceOf(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
}
