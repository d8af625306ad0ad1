/** What the disk, or the system on the way to it, does not do at the moment, in a sentence that strangers may read. */
import { isSystemError } from '../oci/system-error.ts';
import { UnavailableError } from '../oci/unavailable.ts';

const full = 'the disk is full';
const failing = 'the disk fails';
const forbidden = 'the server may not use its storage';
const away = 'the storage is not there';
const tooManyFiles = 'the server has too many files open';

const sentences: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', full],
  ['EDQUOT', full],
  ['EROFS', 'the storage is read-only'],
  ['EIO', failing],
  ['ENOMEM', 'the server is out of memory'],
  ['EMFILE', tooManyFiles],
  ['ENFILE', tooManyFiles],
  ['EACCES', forbidden],
  ['EPERM', forbidden],
  ['ENOENT', away],
  ['ENOTDIR', away],
  ['ENODEV', away],
  ['ENXIO', away],
  ['ESTALE', away],
  ['ENOTCONN', away],
  ['EHOSTDOWN', away],
  ['ETIMEDOUT', away],
]);

/** Undefined where the error is none of the system's. */
export function storageFault(error: unknown): string | undefined {
  return isSystemError(error) ? sentences.get(error.code) : undefined;
}

/** @throws UnavailableError where the system refuses */
export async function fromStorage<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const fault = storageFault(error);
    throw fault === undefined ? error : new UnavailableError(fault, { cause: error });
  }
}
