/** What is written to: a repository, by someone who may. */
import type { Records } from '../../metadata/db/records.ts';
import type { RepositoryRecord } from '../../metadata/hosted/repositories.ts';
import { OciError } from '../../oci/errors.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { Writer } from '../../oci/repository.ts';
import { HostedRefusal } from './refusal.ts';

/** Whoever changes something; they need not be able to push. */
export interface Changer extends Omit<Writer, 'key'> {
  readonly key?: Writer['key'];
}

/** Where something is changed, and by whom. */
export interface WriteTarget {
  readonly projectId: number;
  /** The project's full path. */
  readonly projectPath: string;
  /** Full name of the repository. */
  readonly name: string;
  readonly writer: Changer;
}

/** Where something is pushed to: a repository which may not have been made yet. */
export interface PushTarget extends WriteTarget {
  readonly name: RepositoryName;
  readonly writer: Writer;
}

/**
 * Whoever writes to a repository that is being deleted would lose what they write.
 * @param repository undefined: there is none yet
 * @throws HostedRefusal being-deleted
 */
export function demandLasting(repository: Pick<RepositoryRecord, 'name' | 'status'> | undefined): void {
  if (repository && isGoing(repository))
    throw new HostedRefusal(
      'being-deleted',
      `${repository.name} is being deleted`,
      'try again when it is gone',
    );
}

export function isGoing({ status }: Pick<RepositoryRecord, 'status'>): boolean {
  return status === 'delete_scheduled' || status === 'delete_ongoing';
}

/** Its number, held until the transaction ends; undefined where there is none. @throws HostedRefusal being-deleted */
export async function holdRepository(
  { repositories }: Pick<Records, 'repositories'>,
  { name }: WriteTarget,
): Promise<number | undefined> {
  const known = await repositories.findByName(name);
  demandLasting(known);
  return known && (await repositories.hold(known.id)) ? known.id : undefined;
}

/**
 * The number of what is pushed to, made where absent, and held until the transaction ends.
 * @param change `publish` where a tag is pushed
 * @throws HostedRefusal being-deleted; OciError NAME_UNKNOWN; MissingOwner when the project is gone
 */
export async function holdPushed(
  { repositories }: Pick<Records, 'repositories'>,
  { projectId, name }: PushTarget,
  change: 'publish' | undefined,
): Promise<number> {
  const repository = await repositories.ensure(projectId, name);
  demandLasting(repository);
  if (!(await repositories.hold(repository.id, change))) throw nameGone(name);
  return repository.id;
}

/** The error where the project of a write that was allowed is gone by now, or the name was taken away meanwhile. */
export function nameGone(name: RepositoryName, cause?: unknown): OciError {
  return new OciError('NAME_UNKNOWN', {
    detail: `there is no ${name} any more: it was renamed, transferred or deleted, or its project was. Push to its new name`,
    cause,
  });
}
