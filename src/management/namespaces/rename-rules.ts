/** Which names a rename of repositories can give, and why it does not. */
import { OciError } from '../../oci/errors.ts';
import { isRepositoryName, parentPathOf, type RepositoryName } from '../../oci/reference.ts';
import { RefusedError } from '../acting/refused-error.ts';

/** Another last segment; or another path before it: of a group for a project, of a project or below it for a repository. */
export type RenameTarget = { readonly name: string } | { readonly namespace: string };

/** How many segments of a repository's name may come after its project's full path. */
const maxSegmentsInside = 2;

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

/** Of what goes along with another. @throws OciError INVALID_BODY_PARAMETER where it would be none of the project any more */
export function nameInside(projectPath: string, newName: string): RepositoryName {
  const segments = newName.slice(projectPath.length).split('/').length - 1;
  if (isRepositoryName(newName) && segments <= maxSegmentsInside) return newName;
  throw bad(
    `${newName.slice(0, 300)} would be too long: at most ${maxSegmentsInside} segments follow the project`,
  );
}

export function unknownName(path: string): OciError {
  return new OciError('NAME_UNKNOWN', { detail: `nothing was pushed to ${path}, nor below it` });
}

export function renameDenied(path: string): OciError {
  return new OciError('DENIED', {
    detail: `renaming ${path} is for Maintainers of its project and of the one that it comes to, where no protection rule keeps them from deleting the one and pushing to the other`,
  });
}

export function nameTaken(path: string): OciError {
  return new OciError('RENAME_CONFLICT', { detail: `there is a repository ${path}, or one below it` });
}

/** What the rules for groups and projects refuse, in the words of the registry. */
export function ociErrorOf(error: unknown): unknown {
  if (!(error instanceof RefusedError)) return error;
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
