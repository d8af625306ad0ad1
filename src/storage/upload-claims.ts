/**
 * Whose an upload is. Its bytes are in a directory, the claim, whose name only its owner uses: who renames the claim has taken
 * it, and the paths of the owner before lead nowhere. Of those who try at once, one succeeds. Who lost a claim does not take it
 * back, or two would do so for ever.
 *
 * The directory of an upload has one claim from its first moment, since it is made elsewhere and renamed into place, and is
 * empty or gone when the upload is over. So there are never two claims, whatever a listing misses while claims are renamed.
 */

import { constants, copyFile, type FileHandle, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isSystemError } from '../oci/system-error.ts';
import { uniqueName } from './blob-tree.ts';
import { listDirectory, makeBelow } from './directories.ts';
import { TakenOverError } from './upload-store.ts';

/** The name of a claim that nobody has: its last owner had closed the file before. */
const freeName = 'free';
const bytesName = 'bytes';

export interface OpenClaim {
  /** The directory. */
  readonly claim: string;
  /** Open for reading and writing; nobody else can write to it. */
  readonly file: FileHandle;
  /** It has been made just now. */
  readonly isEmpty: boolean;
}

/** The path of the bytes in a claim. */
export function bytesOf(claim: string): string {
  return join(claim, bytesName);
}

/** The claim where nobody has the upload. */
export function freeClaimOf(upload: string): string {
  return join(upload, freeName);
}

/** The claim of this moment; undefined where there is no upload. */
export async function findClaim(upload: string): Promise<string | undefined> {
  const [name] = await listDirectory(upload);
  return name === undefined ? undefined : join(upload, name);
}

/**
 * A new upload.
 * @param draft where it is made
 * @param makesAll whether the directory of all uploads is made, too
 * @returns undefined where there is one already, or no such directory
 * @throws TakenOverError
 */
export async function createClaim(
  upload: string,
  draft: string,
  makesAll: boolean,
): Promise<OpenClaim | undefined> {
  const name = uniqueName();
  const uploads = dirname(upload);
  if (makesAll) await makeBelow(dirname(uploads), uploads);
  // Absent in the end where the upload is removed meanwhile.
  await makeBelow(uploads, join(draft, name)).catch(unlessAbsent);
  if (await isRenamed(draft, upload)) return openBytes(join(upload, name), 'wx+');
  await rm(draft, { recursive: true, force: true });
  return undefined;
}

/** @returns undefined where somebody else was faster. @throws TakenOverError where somebody else came after */
export async function openClaim(claim: string): Promise<OpenClaim | undefined> {
  const taken = await takeClaim(claim);
  if (!taken) return undefined;
  const isOwn = basename(claim) === freeName || (await replaceBytes(taken));
  return openBytes(taken, isOwn ? 'r+' : 'wx+');
}

/** For others to go on with, its file being closed. @throws TakenOverError */
export async function freeClaim(claim: string): Promise<void> {
  if (!(await isRenamed(claim, join(dirname(claim), freeName)))) throw new TakenOverError();
}

/** Removes it, whoever has it, unless somebody else was faster. */
export async function takeAwayClaim(claim: string): Promise<void> {
  const taken = await takeClaim(claim);
  if (taken) await removeClaim(taken);
}

/** One's own, with its bytes; the upload is then over. Nothing where it is somebody else's by now. */
export async function removeClaim(claim: string): Promise<void> {
  await rm(claim, { recursive: true, force: true });
  await removeIfEmpty(dirname(claim));
}

/** As {@link removeClaim}, where its bytes were moved away. */
export async function removeEmptyClaim(claim: string): Promise<void> {
  await removeIfEmpty(claim);
  await removeIfEmpty(dirname(claim));
}

/** What somebody has taken or begun anew meanwhile is not; and what is left of a failure is removed with the upload. */
export async function removeIfEmpty(directory: string): Promise<void> {
  await rmdir(directory).catch(() => undefined);
}

/** Its new name. */
async function takeClaim(claim: string): Promise<string | undefined> {
  const taken = join(dirname(claim), uniqueName());
  return (await isRenamed(claim, taken)) ? taken : undefined;
}

/**
 * Whoever had the claim before may still have its file open, and write to it at any time: the bytes go on in a copy. False where
 * there are no bytes, or the claim was taken meanwhile.
 */
async function replaceBytes(claim: string): Promise<boolean> {
  try {
    // Copies that others have not finished.
    const left = (await readdir(claim)).filter((name) => name !== bytesName);
    await Promise.all(left.map((name) => rm(join(claim, name), { force: true })));
    const copy = join(claim, uniqueName());
    await copyFile(bytesOf(claim), copy, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await rename(copy, bytesOf(claim));
    return true;
  } catch (error) {
    unlessAbsent(error);
    return false;
  }
}

async function openBytes(claim: string, flags: 'r+' | 'wx+'): Promise<OpenClaim> {
  const file = await open(bytesOf(claim), flags, 0o600).catch(unlessAbsent);
  if (!file) throw new TakenOverError();
  return { claim, file, isEmpty: flags === 'wx+' };
}

/** False where there is nothing to rename, or something in its place. */
async function isRenamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isSystemError(error, 'ENOTEMPTY', 'EEXIST')) return false;
    unlessAbsent(error);
    return false;
  }
}

function unlessAbsent(error: unknown): undefined {
  if (!isSystemError(error, 'ENOENT')) throw error;
}
