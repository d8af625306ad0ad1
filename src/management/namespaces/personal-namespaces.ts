/**
 * Namespaces of users: top-level groups that are called as they are and whose Owners they are, renamed and removed with them. They are made
 * when they are first needed, and projects in them by the first push.
 */
import { hasScopeFor } from '../../auth/rights/access.ts';
import { accessLevels } from '../../auth/rights/access-levels.ts';
import type { AnonymousIdentity, Principal, ScopeGrant, UserIdentity } from '../../auth/rights/identity.ts';
import { deletePlace } from '../../hosted/repositories/place-deletion.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Group } from '../../metadata/namespaces/groups.ts';
import { isRepositoryName } from '../../oci/reference.ts';
import { type Actor, authorOf, userOf } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import { holdGroup } from '../acting/find-group.ts';
import { RefusedError } from '../acting/refused-error.ts';
import type { ApplicationSettings } from '../server/application-settings.ts';
import { demandFreePath, fullPathOf } from './paths.ts';
import { createProject } from './project-creation.ts';

/** How many projects one request for a token makes: a push is to one. */
const maxProjectsAtOnce = 10;

/**
 * The namespace of the user who acts, which is made where it is missing.
 * @throws RefusedError unauthorized, forbidden for bots, invalid where their name is no path, or a group has it
 */
export async function ensurePersonalNamespace(tx: Records, actor: Actor): Promise<Group> {
  const { userId, username } = userOf(actor);
  const known = await tx.groups.findByUser(userId);
  if (known) return known;
  if ((await tx.users.find(userId))?.kind !== 'human')
    throw new RefusedError('forbidden', 'only people have a namespace of their own');
  const fullPath = fullPathOf(undefined, username);
  await demandFreePath(tx, fullPath);
  const visibility = 'private';
  const group = await tx.groups.create({ name: username, path: fullPath, fullPath, visibility, userId });
  await tx.members.create({ groupId: group.id, userId, accessLevel: accessLevels.owner });
  await recordChange(tx, actor, {
    action: 'group.create',
    targetId: group.id,
    details: { name: username, path: fullPath, visibility, userId },
    groupPath: fullPath,
  });
  return group;
}

/** What is in it goes, too; nothing where the user has none. */
export async function removePersonalNamespace(tx: Records, actor: Actor, userId: number): Promise<void> {
  const group = await tx.groups.findByUser(userId);
  if (!group) return;
  await holdGroup(tx, group.id);
  await deletePlace(tx, authorOf(actor), { ...group, kind: 'group' });
  await recordChange(tx, actor, {
    action: 'group.delete',
    targetId: group.id,
    details: { name: group.name, path: group.fullPath },
    groupPath: group.fullPath,
  });
}

export interface PersonalProjectsOptions {
  readonly database: Database;
  readonly settings: Pick<ApplicationSettings, 'readOnlyReason' | 'offReason' | 'defaultAccessLevel'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Projects in their own namespaces that users push to before they have made them. */
export class PersonalProjects {
  readonly #options: PersonalProjectsOptions;

  constructor(options: PersonalProjectsOptions) {
    this.#options = options;
  }

  /**
   * Makes those that are missing of the repositories in their own namespace; all else is left as it is.
   * @param scopes what they want to do
   */
  async prepare(
    who: Principal | AnonymousIdentity,
    scopes: readonly ScopeGrant[],
    address: string | undefined,
  ): Promise<void> {
    if (who.kind !== 'user' || !hasScopeFor(who, 'change-hosted')) return;
    const own = scopes.filter((scope) => isPush(scope) && scope.name.startsWith(`${who.username}/`));
    for (const { name } of own.slice(-maxProjectsAtOnce)) {
      if (await this.#options.database.projects.findOwner(name)) continue;
      if (await this.#mayCreate()) await this.#create(who, name, address);
    }
  }

  async #mayCreate(): Promise<boolean> {
    const { settings } = this.#options;
    const reason = (await settings.readOnlyReason()) ?? (await settings.offReason('hosted'));
    return reason === undefined;
  }

  async #create(identity: UserIdentity, name: string, address: string | undefined): Promise<void> {
    const { database, settings, now } = this.#options;
    const actor = { identity, address };
    const [, path = ''] = name.split('/');
    const containerRegistryAccessLevel = await settings.defaultAccessLevel();
    // Nobody could push to it.
    if (containerRegistryAccessLevel === 'disabled') return;
    const plan = { name: path, path, visibility: 'private', containerRegistryAccessLevel } as const;
    try {
      await runChange(database, async (tx) => {
        await createProject(tx, actor, await ensurePersonalNamespace(tx, actor), plan, now());
      });
    } catch (error) {
      // It cannot be, or came to be meanwhile: whether they may push says the rest.
      if (!(error instanceof RefusedError)) throw error;
    }
  }
}

function isPush({ type, name, actions }: ScopeGrant): boolean {
  if (type !== 'repository' || !isRepositoryName(name)) return false;
  return actions.includes('push') || actions.includes('*');
}
