/** Which names a rename of repositories can give, and how refusals are told. */
import { HostedRefusal } from '../../hosted/changes/refusal.ts';
import { OciError } from '../../oci/errors.ts';
import { isRepositoryName, parentPathOf, type RepositoryName } from '../../oci/reference.ts';
import { RefusedError } from '../acting/refused-error.ts';

/** What a rename changes: the last segment; or the path before it, of a group for a project, of a project or below it for a repository. */
export type RenameTarget = { readonly name: string } | { readonly namespace: string };

/** @throws OciError INVALID_BODY_PARAMETER where it is no name, as before, or of another top-level group */
export function newPathOf(path: RepositoryName, target: RenameTarget): RepositoryName {
  const [parameter, newPath] =
    'name' in target
      ? (['name', `${parentPathOf(path)}/${target.name}`] as const)
      : (['namespace', `${target.namespace}${path.slice(path.lastIndexOf('/'))}`] as const);
  if (!isRepositoryName(newPath)) throw bad(`${parameter} gives no name of a repository`);
  if ('name' in target && target.name.includes('/')) throw bad('name is one segment, without a slash');
  if (topOf(newPath) !== topOf(path)) throw bad(`namespace must be in ${topOf(path)}, as ${path} is`);
  if (newPath === path) throw bad(`${parameter} is what it was`);
  return newPath;
}

/** What the rules for groups and projects refuse, in the words of the registry; what hosted repositories do is in them already. */
export function ociErrorOf(error: unknown): unknown {
  if (!(error instanceof RefusedError)) return error;
  if (error.cause instanceof HostedRefusal) return error.cause;
  const { kind, detail, faults } = error;
  const reasons = Object.values(faults).flat().join(', ');
  switch (kind) {
    case 'unauthorized':
    case 'forbidden':
      return new OciError('DENIED', { detail: detail ?? 'this needs a higher role', cause: error });
    case 'not-found':
      return new OciError('NAME_UNKNOWN', { detail: 'there is no such group or project', cause: error });
    case 'conflict':
      return new OciError('DENIED', { ...(detail && { detail }), cause: error });
    case 'invalid':
      return reasons.includes('taken')
        ? new OciError('RENAME_CONFLICT', { detail: `the path ${reasons}`, cause: error })
        : bad(`the path ${reasons}`);
    case 'bad-request':
      return bad(detail ?? 'this is no other place');
    default:
      return error;
  }
}

function topOf(path: string): string {
  return path.split('/', 1)[0] ?? '';
}

function bad(detail: string): OciError {
  return new OciError('INVALID_BODY_PARAMETER', { detail });
}
