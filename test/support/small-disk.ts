/** A disk that can be filled. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface SmallDisk {
  /** Where it is mounted. */
  readonly root: string;
  fill(): Promise<void>;
  /** After {@link fill}. */
  empty(): Promise<void>;
  remove(): Promise<void>;
}

/** 16 MiB in memory; undefined where none can be mounted, since that takes privileges. */
export async function mountSmallDisk(): Promise<SmallDisk | undefined> {
  const root = await mkdtemp(join(tmpdir(), 'entrepot-disk-'));
  const filler = join(root, 'filler');
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', root]);
  } catch {
    await rm(root, { recursive: true });
    return undefined;
  }
  return {
    root,
    fill: () => run('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k']).then(notFilled, () => undefined),
    empty: () => rm(filler),
    remove: async () => {
      await run('umount', ['--lazy', root]);
      await rm(root, { recursive: true, force: true });
    },
  };
}

function notFilled(): never {
  throw new Error('the disk could not be filled');
}
