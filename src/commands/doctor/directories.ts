/** The directories that the server writes to: rights, space, and what kind of file system they are on. */
import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Config } from '../../config/config.ts';
import { blobDirectoryOf } from '../../config/data-directory.ts';
import { type Finding, findings, ok, warning } from './finding.ts';

/** By the number that statfs(2) gives. */
const fileSystems = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'XFS'],
  [0x9123683e, 'Btrfs'],
  [0x2fc12fc1, 'ZFS'],
  [0x01021994, 'tmpfs'],
  [0x794c7630, 'overlay'],
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x65735546, 'FUSE'],
]);
const ofNetwork = ['NFS', 'CIFS', 'SMB', 'FUSE'];
const gib = 1024 ** 3;
const lowBytes = gib;

export async function lookAtDirectories(config: Config): Promise<readonly Finding[]> {
  const { dataDirectory, database } = config;
  const blobs = blobDirectoryOf(config);
  const hasBlobs = config.storage.driver === 'filesystem';
  const own = database.url === undefined ? 'SQLite' : undefined;
  const found = [
    await lookAt('data_directory', dataDirectory, own),
    hasBlobs ? await lookAt('storage.directory', blobs, undefined) : [],
  ];
  return found.flat();
}

/** @param database that is kept there */
function lookAt(setting: string, path: string, database: string | undefined): Promise<readonly Finding[]> {
  const mend = `${setting} is to be a directory that the user who runs Entrepot may write to`;
  return findings(setting, mend, async () => {
    const place = await nearest(resolve(path));
    await access(place, constants.R_OK | constants.W_OK | constants.X_OK);
    const { type, bavail, bsize } = await statfs(place);
    const kind = fileSystems.get(type) ?? `file system 0x${type.toString(16)}`;
    const free = bavail * bsize;
    const made = place === resolve(path) ? '' : '; the first start makes it';
    const text = `${path} on ${kind}, ${(free / gib).toFixed(1)} GiB free${made}`;
    if (free < lowBytes)
      return [warning(setting, text, 'make room: what only adds is refused before the disk is full')];
    if (database && ofNetwork.includes(kind))
      return [
        warning(
          setting,
          text,
          `${database} wants a local disk: its locks may not hold on ${kind}; use PostgreSQL (database.url)`,
        ),
      ];
    if (kind === 'tmpfs') return [warning(setting, text, 'it is gone with the next restart of the machine')];
    if (kind === 'overlay')
      return [warning(setting, text, 'it is gone with the container: mount a volume there')];
    return [ok(setting, text)];
  });
}

/** Itself, or what it will be made in. */
async function nearest(path: string): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  return isThere || dirname(path) === path ? path : nearest(dirname(path));
}
