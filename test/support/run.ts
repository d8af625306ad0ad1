/** Before and after all tests of one run. */
import { randomBytes } from 'node:crypto';
import { statfsSync } from 'node:fs';
import { dropTemplates } from './postgres-database.ts';

/** Files of tests are in memory where there is room: what the server syncs is not waited for then. */
const memoryDirectory = '/dev/shm';
const neededBytes = 4 * 1024 ** 3;

// biome-ignore lint/style/noDefaultExport: Vitest asks for it
export default function begin(): () => Promise<void> {
  process.env['TEST_RUN'] = randomBytes(4).toString('hex');
  if (hasRoom(memoryDirectory)) process.env['TMPDIR'] = memoryDirectory;
  return async () => {
    const serverUrl = process.env['TEST_POSTGRES_URL'];
    if (serverUrl) await dropTemplates(serverUrl);
  };
}

function hasRoom(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize >= neededBytes;
  } catch {
    return false;
  }
}
