/** What is growing in a store. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The names of the spools of all processes; none is left where all are closed. */
export async function spoolsBelow(root: string): Promise<string[]> {
  const entries = await readdir(join(root, 'v1/spool'), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  return entries.filter((entry) => entry.isFile() && entry.name !== 'lock').map((entry) => entry.name);
}
