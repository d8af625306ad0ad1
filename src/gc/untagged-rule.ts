/** What `gc.untagged` says holds for what was pushed before it said so. */
import type { Records } from '../metadata/db/records.ts';
import type { Digest } from '../oci/digest.ts';

export interface UntaggedRule {
  /** How long after its last push or pull an untagged manifest is kept; undefined: for ever, so that none need be looked at. */
  readonly untaggedMs: number | undefined;
  /** It holds for one run alone, whatever held before and holds afterwards. */
  readonly isOnce?: boolean;
  /** Only of this repository; undefined: of all. */
  readonly repositoryId?: number | undefined;
}

const key = 'gc_untagged';
const repositoriesAtOnce = 100;

/** Where manifests without a tag were kept for ever, or for another time, when they were looked at, they are to be looked at again. */
export async function applyUntaggedRule(
  database: Pick<Records, 'instance' | 'repositories' | 'reviews'>,
  rule: UntaggedRule,
): Promise<void> {
  for await (const id of listRepositories(database, rule)) await database.reviews.addUntagged(id);
  if (!rule.isOnce && rule.repositoryId === undefined) await database.instance.set(key, nameOf(rule));
}

/** What {@link applyUntaggedRule} would put up for review, nothing being changed. */
export async function* listUntagged(
  records: Pick<Records, 'instance' | 'repositories' | 'reviews'>,
  rule: UntaggedRule,
): AsyncGenerator<{ readonly repositoryId: number; readonly digest: Digest }, void, undefined> {
  for await (const repositoryId of listRepositories(records, rule)) {
    for (const digest of await records.reviews.listUntagged(repositoryId)) yield { repositoryId, digest };
  }
}

/** Those in which the rule is new. */
async function* listRepositories(
  { instance, repositories }: Pick<Records, 'instance' | 'repositories'>,
  rule: UntaggedRule,
): AsyncGenerator<number, void, undefined> {
  if (!rule.isOnce && (await instance.get(key)) === nameOf(rule)) return;
  if (rule.untaggedMs === undefined) return;
  if (rule.repositoryId !== undefined) {
    yield rule.repositoryId;
    return;
  }
  for (let after: number | undefined = 0; after !== undefined; ) {
    const ids: readonly number[] = await repositories.listIds(after, repositoriesAtOnce);
    yield* ids;
    after = ids.at(-1);
  }
}

function nameOf({ untaggedMs }: UntaggedRule): string {
  return untaggedMs === undefined ? 'never' : String(untaggedMs);
}
