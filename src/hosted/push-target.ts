import { OciError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/reference.ts';
import type { Writer } from '../oci/repository.ts';

/** Where something is pushed to or deleted from, and by whom. */
export interface PushTarget {
  readonly projectId: number;
  /** The project's full path. */
  readonly projectPath: string;
  /** Of the repository, which may not have been made yet. */
  readonly name: RepositoryName;
  readonly writer: Writer;
}

/** There is no project for the name, or not any more. */
export function noProject(name: RepositoryName, cause?: unknown): OciError {
  return new OciError('DENIED', {
    detail: `there is no project for ${name}: create it first (POST /api/v4/projects)`,
    cause,
  });
}
