/**
 * What is needed of a role and of visibility, and how it is refused. CI jobs see and read what is their project's or their user's, and
 * change nothing but the registry of their project.
 */
import {
  effectiveLevel,
  hasScopeFor,
  isJobOf,
  mayRead,
  mayReadRegistries,
  mayWrite,
} from '../../auth/rights/access.ts';
import { accessLevels } from '../../auth/rights/access-levels.ts';
import { type JobIdentity, userIdOf } from '../../auth/rights/identity.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Group, Visibility } from '../../metadata/namespaces/groups.ts';
import { type Actor, askerOf, type Viewer, viewerOf } from './actor.ts';
import { RefusedError } from './refused-error.ts';

/** see: know of the group or project; read what belongs to it; write: change that; own: decide about it itself. */
export type Need = 'see' | 'read' | 'write' | 'own';

/** What roles and visibility decide about: a group or a project. */
interface Guarded {
  readonly fullPath: string;
  readonly visibility: Visibility;
}

/**
 * @param what is named to those who may not know of it
 * @throws RefusedError unauthorized, not-found, forbidden
 */
export async function demand(
  records: Pick<Records, 'members'>,
  actor: Actor,
  guarded: Guarded,
  need: Need,
  what?: string,
): Promise<void> {
  const viewer = viewerOf(actor);
  const level = await findLevel(records, viewer, guarded.fullPath);
  if (!satisfies(viewer, level, need, guarded)) throw refusalFor(viewer, level, guarded, what);
}

/** As {@link demand}; whoever has a role anywhere in the group may look at its virtual registries, since they pull through them. @throws RefusedError turned-off, too */
export async function demandRegistries(
  records: Pick<Records, 'members'>,
  actor: Actor,
  group: Group,
  need: Need,
  what?: string,
): Promise<void> {
  const asker = askerOf(actor);
  const { userId } = asker;
  const isMember = userId !== undefined && (await records.members.isBelow(group.fullPath, userId));
  const isReader = mayReadRegistries(asker, group, isMember);
  // Whoever reads its registries knows of the group.
  if (!isReader || need !== 'read')
    await demand(records, actor, isReader ? { ...group, visibility: 'internal' } : group, need, what);
  const reason = offReasonOf(group);
  if (reason !== undefined) throw new RefusedError('turned-off', reason);
}

/** Why the virtual registries of a group cannot be used, for those who may know of them; undefined: they can. */
export function offReasonOf({
  virtualRegistriesEnabled,
  fullPath,
}: Pick<Group, 'virtualRegistriesEnabled' | 'fullPath'>): string | undefined {
  if (virtualRegistriesEnabled) return undefined;
  return `the virtual registries of the group ${fullPath} are turned off, and what they have cached is kept: an Owner of it turns them on again (virtual_registries_enabled of the group)`;
}

/** The role of whoever asks; undefined: none, and for a job of nobody in particular. */
export async function findLevel(
  { members }: Pick<Records, 'members'>,
  viewer: Viewer,
  fullPath: string,
): Promise<number | undefined> {
  const userId = userIdOf(viewer);
  return userId === undefined ? undefined : members.levelAt(fullPath, userId);
}

function satisfies(asker: Viewer, level: number | undefined, need: Need, guarded: Guarded): boolean {
  if (asker.kind === 'anonymous') return need === 'see' && guarded.visibility === 'public';
  if (asker.kind === 'job') return satisfiesJob(asker, level, need, guarded);
  switch (need) {
    case 'see':
      return guarded.visibility === 'private' ? mayRead(asker, level) : hasScopeFor(asker, 'read');
    case 'read':
      return mayRead(asker, level);
    case 'write':
      return mayWrite(asker, level);
    case 'own':
      return mayWrite(asker, level) && (effectiveLevel(asker, level) ?? 0) >= accessLevels.owner;
  }
}

function satisfiesJob(job: JobIdentity, level: number | undefined, need: Need, guarded: Guarded): boolean {
  if (need === 'see' && guarded.visibility !== 'private') return true;
  return (need === 'see' || need === 'read') && isInside(job, level, guarded);
}

/** They are told "not found" where they may not know of it, and else "forbidden". @param what is named to those who may not know of it */
export function refusalFor(
  asker: Viewer,
  level: number | undefined,
  guarded: Guarded,
  what: string | undefined,
): RefusedError {
  const isOpen =
    asker.kind === 'anonymous' ? guarded.visibility === 'public' : guarded.visibility !== 'private';
  const isHidden = !isOpen && !isInside(asker, level, guarded);
  if (isHidden) return new RefusedError('not-found', what);
  return new RefusedError('forbidden', asker.kind === 'job' ? jobLimits : undefined);
}

const jobLimits =
  'a CI job token reads, and changes the registry of its own project where its role allows it';

function isInside(asker: Viewer, level: number | undefined, guarded: Guarded): boolean {
  if (asker.kind === 'anonymous') return false;
  if (asker.kind === 'job' && isJobOf(asker, guarded)) return true;
  return effectiveLevel(asker, level) !== undefined;
}
