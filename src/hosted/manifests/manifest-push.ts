/** A push of a manifest is one transaction, and each repository has one at a time. */
import type { Records } from '../../metadata/db/records.ts';
import { MissingOwner } from '../../metadata/db/violations.ts';
import { algorithmOf, type Digest, digestOf } from '../../oci/digest.ts';
import { OciError } from '../../oci/errors.ts';
import type { ImageFacts } from '../../oci/image-facts.ts';
import type { ParsedManifest, ParsedReference } from '../../oci/manifest.ts';
import { isDigestReference, type Reference, type RepositoryName, type Tag } from '../../oci/reference.ts';
import type { EventContent } from '../../oci/registry-event.ts';
import type { ManifestPush, StoredManifest } from '../../oci/repository.ts';
import { demandTaggable } from '../changes/protection.ts';
import { tooManyTags } from '../changes/refusal.ts';
import { recordEvents, recordWrite } from '../changes/write-records.ts';
import { holdPushed, nameGone, type PushTarget } from '../changes/write-target.ts';
import type { HostedOptions } from '../hosted-options.ts';
import { findNewFacts } from './image-facts.ts';
import { acceptManifest, listRequired } from './manifest-acceptance.ts';

export type ManifestPushOptions = Pick<
  HostedOptions,
  'database' | 'store' | 'uploads' | 'limits' | 'tagPatterns' | 'log' | 'tellsReferences'
>;

/** @throws OciError see WritableRepository.putManifest */
export async function pushManifest(
  options: ManifestPushOptions,
  target: PushTarget,
  reference: Reference,
  { payload, contentType, tags }: ManifestPush,
): Promise<StoredManifest> {
  const { database, limits } = options;
  const isByDigest = isDigestReference(reference);
  const digest = digestOf(payload, isByDigest ? algorithmOf(reference) : 'sha256');
  if (isByDigest && reference !== digest) {
    throw new OciError('DIGEST_INVALID', {
      detail: `the manifest has the digest ${digest}, not ${reference}`,
    });
  }
  const manifest = acceptManifest(payload, contentType, {
    maxBytes: limits.maxManifestBytes,
    maxReferences: limits.maxManifestReferences,
  });
  await options.uploads.demandRoom(payload.length);
  const named = [...new Set(isByDigest ? tags : [reference, ...tags])];
  const { name } = target;
  const findRepositoryId = async () => (await database.repositories.findByName(name))?.id;
  const facts = await findNewFacts(options, findRepositoryId, digest, manifest.json);
  try {
    await database.transaction(async (tx) => {
      const id = await holdPushed(tx, target, named.length > 0 ? 'publish' : undefined);
      await placeManifest(tx, options, target, id, { manifest, digest, payload, facts, named });
    });
  } catch (error) {
    throw error instanceof MissingOwner ? nameGone(name, error) : error;
  }
  return { digest, subject: manifest.subject };
}

export interface PlacedManifest {
  readonly manifest: ParsedManifest;
  readonly digest: Digest;
  readonly payload: Buffer;
  /** Undefined where they are known, or found out when somebody asks. */
  readonly facts?: ImageFacts | undefined;
  /** Its tags from now on. */
  readonly named: readonly Tag[];
  /** The repository that it is copied from. */
  readonly from?: RepositoryName | undefined;
}

/**
 * Part of the transaction that holds the repository.
 * @throws HostedRefusal push-protected, push-immutable, too-many-tags; OciError MANIFEST_BLOB_UNKNOWN
 */
export async function placeManifest(
  tx: Records,
  {
    limits,
    tagPatterns,
    tellsReferences,
  }: Pick<ManifestPushOptions, 'limits' | 'tagPatterns' | 'tellsReferences'>,
  target: PushTarget,
  id: number,
  { manifest, digest, payload, facts, named, from }: PlacedManifest,
): Promise<void> {
  await demandTaggable(tx, tagPatterns, target, id, named, digest);
  const missing = await listMissing(tx, id, manifest.references);
  const required = listRequired(manifest, limits.sparseManifests);
  const unknown = required.filter(({ digest }) => missing.has(digest));
  if (unknown.length > 0) throw unknownReferences(unknown, target);
  await tx.repositoryManifests.save(id, { ...manifest, digest, payload });
  if (facts) await tx.imageFacts.save(digest, facts);
  const publishedBy = target.writer.name;
  const switched = await putTags(tx, id, named, { digest, publishedBy }, limits.maxTags);
  await tx.reviews.addManifests(id, switched, 'tag_switch');
  if (named.length === 0) await tx.reviews.addManifests(id, [digest], 'manifest_upload');
  await recordWrite(tx, target, 'manifest.push', digest, {
    mediaType: manifest.mediaType,
    size: payload.length,
    tags: named,
    subject: manifest.subject,
    from,
  });
  const pushed = {
    action: 'push',
    mediaType: manifest.mediaType,
    digest,
    size: payload.length,
    references: tellsReferences ? manifest.references.map(contentOf) : undefined,
  } as const;
  const tagged = named.length > 0 ? named.map((tag) => ({ ...pushed, tag })) : [pushed];
  await recordEvents(tx, target, id, ...tagged);
}

/**
 * The digests that the repository does not have; the others cannot be collected until the transaction ends. What an index lists may be
 * manifests or blobs: caches of BuildKit are indexes that list blobs.
 */
async function listMissing(
  tx: Records,
  repositoryId: number,
  references: readonly ParsedReference[],
): Promise<ReadonlySet<Digest>> {
  const digestsOf = (isManifest: boolean) =>
    references
      .filter(({ kind }) => kind !== 'subject' && (kind === 'manifest') === isManifest)
      .map(({ digest }) => digest);
  const noManifests = await tx.repositoryManifests.listMissing(repositoryId, digestsOf(true));
  const blobs = [...digestsOf(false), ...noManifests];
  return new Set(await tx.repositoryBlobs.listMissing(repositoryId, blobs));
}

/** @returns what the tags named before, where it was another manifest. @throws HostedRefusal too-many-tags */
async function putTags(
  tx: Records,
  repositoryId: number,
  tags: readonly Tag[],
  { digest, publishedBy }: { readonly digest: Digest; readonly publishedBy: string },
  maxTags: number,
): Promise<readonly Digest[]> {
  const switched: Digest[] = [];
  let hasNew = false;
  for (const tag of tags) {
    const before = await tx.tags.put(repositoryId, tag, digest, publishedBy);
    if (before === undefined) hasNew = true;
    else if (before !== digest) switched.push(before);
  }
  if (hasNew && (await tx.tags.count(repositoryId)) > maxTags) throw tooManyTags(maxTags);
  return switched;
}

function contentOf({ mediaType, digest, size }: ParsedReference): EventContent {
  return { mediaType, digest, size };
}

function unknownReferences(missing: readonly ParsedReference[], { name }: PushTarget): OciError {
  const details = missing.map(
    ({ kind, digest }) =>
      `${kind} ${digest} is not in ${name}: push it there, or mount it, before what refers to it`,
  );
  return new OciError('MANIFEST_BLOB_UNKNOWN', { details });
}
