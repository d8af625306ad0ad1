/** What an installation begins with: an administrator, a group, and a virtual registry that pulls from Docker Hub. */
import { randomBytes } from 'node:crypto';
import type { Passwords } from '../../auth/credentials/passwords.ts';
import { accessLevels } from '../../auth/rights/access-levels.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import { dockerHubUrl } from '../../oci/registry-host.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { recordAccessToken } from '../tokens/access-token-records.ts';
import { actorFor } from './users.ts';

export interface FirstStartOptions {
  readonly database: Database;
  readonly passwords: Passwords;
  /** Undefined: one is made. */
  readonly rootToken: string | undefined;
  /** Undefined: root has no password. */
  readonly rootPassword: string | undefined;
  /** Shows it to the operator, before it is committed: whatever ends the process meanwhile, no root is left whose token nobody saw. */
  readonly announce: (first: FirstStart) => Promise<void>;
}

/** What must be shown once. */
export interface FirstStart {
  readonly username: string;
  /** Undefined where the operator chose it. */
  readonly token: string | undefined;
  /** For the page; undefined where the operator chose it or the token, and so has what makes one. */
  readonly password: string | undefined;
  /** The id of the virtual registry that pulls from Docker Hub. */
  readonly registryId: number;
}

const username = 'root';
const groupName = 'default';
const dockerHub = { name: 'Docker Hub', url: dockerHubUrl, cacheValidityHours: 24 };

/** Does nothing on every start but the first, which is when the secrets count. */
export async function prepareFirstStart(options: FirstStartOptions): Promise<void> {
  const { database, passwords, rootToken, rootPassword, announce } = options;
  const madePassword = rootPassword === undefined && rootToken === undefined ? newPassword() : undefined;
  const password = rootPassword ?? madePassword;
  const passwordHash = password === undefined ? undefined : await passwords.hash(password);
  await database.firstStart(async (tx) => {
    const root = await tx.users.create({ username, name: 'Administrator', isAdmin: true, passwordHash });
    const actor = actorFor(root);
    const details = { username, isAdmin: true };
    await recordChange(tx, actor, { action: 'user.create', targetId: root.id, details });
    const scopes = ['api', 'read_virtual_registry'] as const;
    const input = { name: 'first start', scopes };
    const { token } = await recordAccessToken(tx, actor, root, input, rootToken);
    const registryId = await createDefaultGroup(tx, actor, root.id);
    await announce({
      username,
      token: rootToken === undefined ? token : undefined,
      password: madePassword,
      registryId,
    });
  });
}

/** Of 120 bits, to be typed or pasted. */
function newPassword(): string {
  return randomBytes(15).toString('base64url');
}

/** Returns the id of its virtual registry. */
async function createDefaultGroup(tx: Records, actor: Actor, ownerId: number): Promise<number> {
  const visibility = 'private';
  const group = await tx.groups.create({ name: groupName, path: groupName, fullPath: groupName, visibility });
  await tx.members.create({ groupId: group.id, userId: ownerId, accessLevel: accessLevels.owner });
  const registry = await tx.virtualRegistries.create({ groupId: group.id, name: groupName });
  const upstream = await tx.upstreams.create({
    ...dockerHub,
    groupId: group.id,
    allowPatterns: [],
    denyPatterns: [],
    allowPrivateNetwork: false,
  });
  await tx.registryUpstreams.append(registry.id, upstream.id);
  const changes = [
    { action: 'group.create', targetId: group.id, details: { name: groupName, path: groupName, visibility } },
    { action: 'virtual_registry.create', targetId: registry.id, details: { name: groupName } },
    { action: 'upstream.create', targetId: upstream.id, details: { name: upstream.name, url: upstream.url } },
  ];
  for (const change of changes) await recordChange(tx, actor, { ...change, groupPath: groupName });
  return registry.id;
}
