/** A directory for the test that runs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Empty, and gone with the test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'entrepot-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
