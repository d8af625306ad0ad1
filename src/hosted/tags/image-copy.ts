/**
 * Copies an image from one repository to another, or gives it another tag: by links and records alone, no byte of a blob is read or
 * written. For the destination it is a push of all that the image is, in one transaction.
 */
import type { Records } from '../../metadata/db/records.ts';
import type { Digest } from '../../oci/digest.ts';
import type { ParsedManifest } from '../../oci/manifest.ts';
import type { RepositoryName, Tag } from '../../oci/reference.ts';
import { cosignTags } from '../../oci/referrer-kind.ts';
import { fallbackTag } from '../../oci/referrers.ts';
import { HostedRefusal } from '../changes/refusal.ts';
import { demandLasting, holdPushed, type PushTarget } from '../changes/write-target.ts';
import { acceptManifest } from '../manifests/manifest-acceptance.ts';
import { type ManifestPushOptions, placeManifest } from '../manifests/manifest-push.ts';
import { listReferrers } from '../manifests/referrers.ts';
import { linkBlob } from '../uploads/blob-links.ts';

export interface SourceImage {
  readonly repositoryId: number;
  readonly repository: RepositoryName;
  readonly tag: Tag;
  /** Whether signatures, attestations and whatever else is attached to it, or to what it lists, come along. */
  readonly withReferrers: boolean;
}

export interface CopiedImage {
  /** Number of the destination. */
  readonly repositoryId: number;
  readonly digest: Digest;
  /** How many the destination did not have. */
  readonly copiedManifests: number;
  readonly copiedBlobs: number;
}

/** All of it is one transaction, for which others wait. */
const maxManifests = 1000;
const maxManifestBytes = 32 * 1024 * 1024;

interface FoundManifest {
  readonly manifest: ParsedManifest;
  readonly payload: Buffer;
}

interface FoundImage {
  readonly digest: Digest;
  /** What an index lists comes before it. */
  readonly manifests: ReadonlyMap<Digest, FoundManifest>;
  /** Tags by which clients find what is attached, where registries do not list it. */
  readonly attachedTags: ReadonlyMap<Tag, Digest>;
}

type CopyOptions = Pick<ManifestPushOptions, 'database' | 'limits' | 'tagPatterns' | 'tellsReferences'>;

/**
 * @param tag the image's at the destination
 * @throws HostedRefusal tag-unknown, image-too-large, and what a push is refused for: over-quota, push-protected, push-immutable,
 * too-many-tags, being-deleted; OciError MANIFEST_INVALID or MANIFEST_BLOB_UNKNOWN for what may not be pushed any more;
 * MissingOwner when the project is gone
 */
export async function copyImage(
  options: CopyOptions,
  source: SourceImage,
  target: PushTarget,
  tag: Tag,
): Promise<CopiedImage> {
  const image = await findImage(options, source);
  return options.database.transaction(async (tx) => {
    const copiedBlobs = await linkBlobs(tx, source, target, image);
    const repositoryId = await holdPushed(tx, target, 'publish');
    const missing = new Set(
      await tx.repositoryManifests.listMissing(repositoryId, [...image.manifests.keys()]),
    );
    const tags = new Map([...(await newTags(tx, repositoryId, image.attachedTags)), [tag, image.digest]]);
    for (const [digest, found] of image.manifests) {
      const named = [...tags].flatMap(([name, of]) => (of === digest ? [name] : []));
      if (named.length > 0 || missing.has(digest))
        await placeManifest(tx, options, target, repositoryId, {
          ...found,
          digest,
          named,
          from: source.repository,
        });
    }
    return { repositoryId, digest: image.digest, copiedManifests: missing.size, copiedBlobs };
  });
}

/** @throws HostedRefusal tag-unknown, image-too-large; OciError MANIFEST_INVALID */
async function findImage(
  { database, limits }: CopyOptions,
  { repositoryId, repository, tag, withReferrers }: SourceImage,
): Promise<FoundImage> {
  const manifests = new Map<Digest, FoundManifest>();
  const attachedTags = new Map<Tag, Digest>();
  let bytes = 0;
  const add = async (digest: Digest): Promise<void> => {
    if (manifests.has(digest)) return;
    const stored = await database.repositoryManifests.find(repositoryId, digest);
    // Of what an index lists, some may not be here, and some may be blobs.
    if (!stored) return;
    const { payload, mediaType } = stored;
    bytes += payload.length;
    if (manifests.size >= maxManifests || bytes > maxManifestBytes) throw tooLarge(`${repository}:${tag}`);
    const manifest = acceptManifest(payload, mediaType, {
      maxBytes: limits.maxManifestBytes,
      maxReferences: limits.maxManifestReferences,
    });
    for (const listed of manifest.references) if (listed.kind === 'manifest') await add(listed.digest);
    manifests.set(digest, { manifest, payload });
  };
  const digest = await database.tags.find(repositoryId, tag);
  if (digest === undefined) throw new HostedRefusal('tag-unknown', `${repository} has no tag ${tag}`);
  await add(digest);
  if (withReferrers)
    // What is attached to what is attached comes along, too.
    for (const subject of manifests.keys()) {
      for (const referrer of await listReferrers(database, repositoryId, subject)) await add(referrer.digest);
      for (const name of [fallbackTag(subject), ...cosignTags(subject).map((each) => each.tag)]) {
        const attached = await database.tags.find(repositoryId, name);
        if (attached === undefined) continue;
        await add(attached);
        attachedTags.set(name, attached);
      }
    }
  return { digest, manifests, attachedTags };
}

/** Quotas are held before repositories are. @returns how many links are new */
async function linkBlobs(
  tx: Records,
  source: SourceImage,
  target: PushTarget,
  { manifests }: FoundImage,
): Promise<number> {
  const destination = await tx.repositories.findByName(target.name);
  demandLasting(destination);
  const digests = new Set<Digest>();
  for (const { manifest } of manifests.values())
    for (const { kind, digest } of manifest.references)
      if (kind !== 'subject' && !manifests.has(digest)) digests.add(digest);
  let count = 0;
  for (const digest of digests) {
    const blob = await tx.repositoryBlobs.find(source.repositoryId, digest);
    if (!blob || (destination && (await tx.repositoryBlobs.find(destination.id, digest)))) continue;
    const { size } = blob;
    await linkBlob(tx, target, { digest, size, event: 'blob_mount', fromRepository: source.repository });
    count += 1;
  }
  return count;
}

/** A list of what is attached that the destination has already may say more than the one that comes. */
async function newTags(
  tx: Records,
  repositoryId: number,
  tags: ReadonlyMap<Tag, Digest>,
): Promise<[Tag, Digest][]> {
  const added: [Tag, Digest][] = [];
  for (const [tag, digest] of tags)
    if ((await tx.tags.find(repositoryId, tag)) === undefined) added.push([tag, digest]);
  return added;
}

function tooLarge(image: string): HostedRefusal {
  return new HostedRefusal(
    'image-too-large',
    `${image} has more than ${maxManifests} manifests, or ${maxManifestBytes} bytes of them`,
    'copy it without its referrers, or by a client',
  );
}
