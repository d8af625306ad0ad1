import type { RepositoryRecord } from '../metadata/hosted/repositories.ts';
import { OciError } from '../oci/errors.ts';

/**
 * Whoever writes to a repository that is being deleted would lose what they write.
 * @param repository undefined: there is none yet
 * @throws OciError DENIED (409)
 */
export function demandLasting(repository: Pick<RepositoryRecord, 'name' | 'status'> | undefined): void {
  if (repository?.status !== 'delete_scheduled' && repository?.status !== 'delete_ongoing') return;
  const detail = `${repository.name} is being deleted: try again when it is gone`;
  throw new OciError('DENIED', { detail, status: 409 });
}
