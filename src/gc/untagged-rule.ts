/** What `gc.untagged` says holds for what was pushed before it said so. */
import type { Database } from '../metadata/database.ts';

const key = 'gc_untagged';
const repositoriesAtOnce = 100;

/**
 * Where manifests without a tag were kept for ever, or for another time, when they were looked at, they are to be looked at again.
 * @param untaggedMs undefined: they are kept for ever, and need not be looked at
 */
export async function applyUntaggedRule(
  database: Pick<Database, 'transaction' | 'instance' | 'repositories' | 'reviews'>,
  untaggedMs: number | undefined,
): Promise<void> {
  const rule = untaggedMs === undefined ? 'never' : String(untaggedMs);
  if ((await database.instance.get(key)) === rule) return;
  if (untaggedMs !== undefined) {
    for (let after = 0; ; ) {
      const ids = await database.repositories.listIds(after, repositoriesAtOnce);
      for (const id of ids) await database.reviews.addUntagged(id);
      const last = ids.at(-1);
      if (last === undefined) break;
      after = last;
    }
  }
  await database.instance.set(key, rule);
}
