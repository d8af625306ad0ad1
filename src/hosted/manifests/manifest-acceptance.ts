/** Which manifests may be pushed: of a known type, without contradictions, so that every client reads the same out of one. */
import { OciError } from '../../oci/errors.ts';
import {
  type ManifestField,
  type ManifestLimits,
  type ParsedManifest,
  type ParsedReference,
  parseManifest,
} from '../../oci/manifest.ts';
import { getManifestKind, isNonDistributable } from '../../oci/media-types.ts';
import { plainReading } from './plain-manifest.ts';

/**
 * Which manifests may refer to what the repository does not have: none; indexes, of the manifests they list; or all.
 * A subject may always be missing, as may layers that are fetched from elsewhere.
 */
export type SparseManifests = 'none' | 'indexes' | 'all';

const requiredField = { image: 'config', index: 'manifests' } as const;
/** Fields of the other kind: a manifest that has both would be an image to some clients and an index to others. */
const foreignFields: Readonly<Record<'image' | 'index', readonly ManifestField[]>> = {
  image: ['manifests'],
  index: ['config', 'layers'],
};

/**
 * @param contentType the header as the client sent it
 * @throws OciError MANIFEST_INVALID with the reason: 413 where it is too large, 415 where it is of another type, else 400
 */
export function acceptManifest(
  payload: Uint8Array,
  contentType: string | undefined,
  limits: ManifestLimits,
): ParsedManifest {
  const manifest = parseManifest(payload, contentType, limits, plainReading);
  const { mediaType, bodyType, fields, json } = manifest;
  const kind = getManifestKind(mediaType);
  if (bodyType !== undefined && bodyType !== mediaType)
    invalid(`the Content-Type is ${mediaType}, and the manifest itself says ${bodyType.slice(0, 160)}`);
  const foreign = foreignFields[kind].find((field) => fields.includes(field));
  if (foreign) invalid(`a manifest of type ${mediaType} must not have '${foreign}'`);
  const required = requiredField[kind];
  // Go writes null for an empty list.
  const isEmptyIndex = kind === 'index' && json['manifests'] === null;
  if (!fields.includes(required) && !isEmptyIndex)
    invalid(`a manifest of type ${mediaType} must have '${required}'`);
  return manifest;
}

/** The digests that must be in the repository before the manifest is, each once. */
export function listRequired(
  { references }: ParsedManifest,
  sparse: SparseManifests,
): readonly ParsedReference[] {
  const required = new Map(
    references.filter((reference) => isRequired(reference, sparse)).map((each) => [each.digest, each]),
  );
  return [...required.values()];
}

function isRequired({ kind, mediaType, hasUrls }: ParsedReference, sparse: SparseManifests): boolean {
  switch (kind) {
    case 'subject':
      return false;
    case 'manifest':
      return sparse === 'none';
    case 'layer':
      return sparse !== 'all' && !hasUrls && !isNonDistributable(mediaType);
    case 'config':
      return sparse !== 'all';
  }
}

function invalid(detail: string): never {
  throw new OciError('MANIFEST_INVALID', { detail });
}
