import { OciError } from '../../oci/errors.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { Writer } from '../../oci/repository.ts';

/** Where something is pushed to or deleted from, and by whom. */
export interface PushTarget {
  readonly projectId: number;
  /** The project's full path. */
  readonly projectPath: string;
  /** Of the repository, which may not have been made yet. */
  readonly name: RepositoryName;
  readonly writer: Writer;
}

/** What was allowed just now has no project, or its name was taken away meanwhile. */
export function nameGone(name: RepositoryName, cause?: unknown): OciError {
  return new OciError('NAME_UNKNOWN', {
    detail: `there is no ${name} any more: it was renamed, transferred or deleted, or its project was. Push to its new name`,
    cause,
  });
}
