/** What keeps a thing, and what makes it go: the rules of the collector. Reads only, so that a dry run is as good as a real one. */
import type { Holder, Without } from '../metadata/collector/holders.ts';
import type { Review } from '../metadata/collector/review-queue.ts';
import type { Records } from '../metadata/db/records.ts';

export type Verdict =
  | { readonly is: 'garbage'; readonly why: string }
  | { readonly is: 'held'; readonly by: Holder }
  /** Nothing holds it, and it is kept all the same: until then, or for ever. Epoch milliseconds. */
  | { readonly is: 'kept'; readonly until: number | undefined; readonly why: string }
  /** There is no such thing any more. */
  | { readonly is: 'gone' };

export interface Rules {
  /** How long after its last push or pull an untagged manifest of a repository is kept; undefined: for ever. */
  readonly untaggedMs: number | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export type RuleRecords = Pick<
  Records,
  'blobs' | 'manifests' | 'repositoryBlobs' | 'repositoryManifests' | 'holders'
>;

type Subject = Pick<Review, 'kind' | 'digest' | 'repositoryId'>;

/** @param without what is taken for gone already */
export async function judge(
  records: RuleRecords,
  rules: Rules,
  { kind, digest, repositoryId }: Subject,
  without?: Without,
): Promise<Verdict> {
  const { holders } = records;
  switch (kind) {
    case 'manifest':
      return judgeManifest(records, rules, { kind, digest, repositoryId }, without);
    case 'link': {
      if (!(await records.repositoryBlobs.find(repositoryId, digest))) return { is: 'gone' };
      const held = await holders.listOfLink(repositoryId, digest, 1, without);
      return unlessHeld(held, 'no manifest of the repository refers to it');
    }
    case 'blob': {
      if (!(await records.blobs.find(digest))) return { is: 'gone' };
      const held = await holders.listOfBlob(digest, 1, without);
      return unlessHeld(held, 'no repository links it, and no cache entry');
    }
    case 'payload': {
      if ((await records.manifests.findSize(digest)) === undefined) return { is: 'gone' };
      const held = await holders.listOfPayload(digest, 1, without);
      return unlessHeld(held, 'no repository has the manifest, and no cache entry');
    }
  }
}

async function judgeManifest(
  { holders, repositoryManifests }: RuleRecords,
  { untaggedMs, now }: Rules,
  { digest, repositoryId }: Subject,
  without: Without | undefined,
): Promise<Verdict> {
  const use = await repositoryManifests.findUse(repositoryId, digest);
  if (!use) return { is: 'gone' };
  const held = await holders.listOfManifest(repositoryId, digest, use.subject, 1, without);
  const [by] = held;
  if (by) return { is: 'held', by };
  const isOrphan =
    use.subjectGone ||
    (use.subject !== undefined && without?.manifests.get(repositoryId)?.has(use.subject) === true);
  if (isOrphan)
    return { is: 'garbage', why: `its subject ${use.subject} is gone, and no tag or index names it` };
  if (untaggedMs === undefined)
    return { is: 'kept', until: undefined, why: 'untagged manifests are kept for ever (gc.untagged)' };
  const until = use.usedAt + untaggedMs;
  return until <= now()
    ? {
        is: 'garbage',
        why: 'no tag or index names it, and it was not pushed or pulled for as long as gc.untagged says',
      }
    : { is: 'kept', until, why: 'it was pushed or pulled within the time of gc.untagged' };
}

function unlessHeld([by]: readonly Holder[], why: string): Verdict {
  return by ? { is: 'held', by } : { is: 'garbage', why };
}

/** For people: "tag v1", "repository acme/shop". */
export function describeHolder(holder: Holder): string {
  switch (holder.by) {
    case 'repository':
      return `repository ${holder.repository}`;
    case 'cache entry':
      return `cache entry ${holder.entryId} of upstream ${holder.upstreamId} (${holder.repository} ${holder.reference})`;
    case 'tag':
      return `tag ${holder.tag}`;
    case 'manifest':
    case 'index':
    case 'subject':
      return `${holder.by} ${holder.digest}`;
  }
}
