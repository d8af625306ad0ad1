/** One tag as a rule wants it: whatever it is where it comes from now, it is where it goes afterwards. So events may come twice, or late. */
import type { HostedLimits } from '../hosted/hosted-options.ts';
import type { ReplicationRule } from '../metadata/replication/replication-rules.ts';
import type { ReplicationOutcome } from '../metadata/replication/replication-tags.ts';
import type { Digest } from '../oci/digest.ts';
import type { Tag } from '../oci/reference.ts';
import { cosignTags } from '../oci/referrer-kind.ts';
import { isAbsence, SourceFault, type SourceRepository } from './image-source.ts';
import { type CopyDestination, RepositoryCopy } from './repository-copy.ts';

export interface TagReplicationOptions {
  readonly rule: Pick<ReplicationRule, 'deletesTags' | 'replacesTags' | 'withReferrers'>;
  readonly source: SourceRepository;
  readonly destination: CopyDestination & { deleteTag(tag: Tag): Promise<void> };
  readonly limits: Pick<HostedLimits, 'maxManifestBytes' | 'maxManifestReferences' | 'sparseManifests'>;
}

export interface TagResult {
  readonly outcome: ReplicationOutcome;
  readonly reason: string | undefined;
  /** Of blobs that were not there. */
  readonly bytes: number;
}

/** @throws SourceFault, OciError, OutboundError */
export async function replicateTag(options: TagReplicationOptions, tag: Tag): Promise<TagResult> {
  const { rule, source, destination } = options;
  const digest = await findTag(source, tag);
  const there = await destination.findTag(tag);
  if (digest === undefined) return removeTag(options, tag, there);
  if (there !== undefined && there !== digest && !rule.replacesTags)
    return { outcome: 'skipped', reason: `the tag is there already, as ${there}`, bytes: 0 };
  const copied = new Copied();
  const { limits, source: from } = options;
  const copy = new RepositoryCopy({
    ...{ name: tag, source: from, destination, limits, tally: copied },
    withReferrers: rule.withReferrers,
  });
  await copy.copyTag(tag);
  if (rule.withReferrers)
    for (const attached of cosignTags(digest)) {
      const signature = await findTag(source, attached.tag);
      const known = signature && (await destination.findTag(attached.tag));
      const isFree = known === undefined || rule.replacesTags;
      if (signature !== undefined && known !== signature && isFree) await copy.copyTag(attached.tag);
    }
  // What was taken is not always given.
  const now = await destination.findTag(tag);
  if (now !== digest && (await findTag(source, tag)) === digest)
    throw new SourceFault(`took ${tag} as ${digest}, and has ${now ?? 'no such tag'}`);
  if (copied.skipped.length > 0) throw new SourceFault(copied.skipped.join('; '));
  return { outcome: copied.isNew ? 'copied' : 'unchanged', reason: undefined, bytes: copied.bytes };
}

async function removeTag(
  { rule, destination }: TagReplicationOptions,
  tag: Tag,
  there: Digest | undefined,
): Promise<TagResult> {
  if (there === undefined) return { outcome: 'unchanged', reason: undefined, bytes: 0 };
  if (!rule.deletesTags)
    return {
      outcome: 'skipped',
      reason: 'it is gone where it comes from, and the rule deletes nothing',
      bytes: 0,
    };
  await destination.deleteTag(tag);
  return { outcome: 'deleted', reason: undefined, bytes: 0 };
}

async function findTag(source: SourceRepository, tag: Tag): Promise<Digest | undefined> {
  try {
    return await source.findTag(tag);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

class Copied {
  isNew = false;
  bytes = 0;
  readonly skipped: string[] = [];

  count(_what: 'tags' | 'manifests', isNew: boolean): void {
    if (isNew) this.isNew = true;
  }

  blob(_digest: Digest, size: number, isNew: boolean): void {
    if (isNew) this.bytes += size;
  }

  skip(what: string, reason: string): void {
    this.skipped.push(`${what}: ${reason}`);
  }
}
