/** What the system's codes mean, in words, for faults of what operators configure. */
import { isSystemError, type SystemError } from '../oci/system-error.ts';

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'the user that runs Entrepot may not; give it the right, or set another',
  EBUSY: 'something else uses it',
  EDQUOT: 'the quota of the disk is used up',
  EEXIST: 'there is something else of that name',
  EIO: 'the disk fails',
  EISDIR: 'it is a directory',
  ELOOP: 'its links lead in a circle',
  EMFILE: 'too many files are open; raise the limit (ulimit -n)',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'there is no such file or directory',
  ENOSPC: 'no space is left on the disk',
  ENOTDIR: 'a part of the path is no directory',
  ENXIO: 'it is not a file',
  EPERM: 'the system does not permit it',
  EROFS: 'the file system is read-only',
};

/** Undefined where the code is none of those that tell of a path. */
export function findReason({ code }: SystemError): string | undefined {
  return reasons[code];
}

/** In words where there are any. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return isSystemError(error) ? (findReason(error) ?? message) : message;
}
