import { beforeEach, describe, expect, test } from 'vitest';
import type { Action } from '../../../../src/auth/rights/access.ts';
import type { Identity, JobIdentity, TokenScope } from '../../../../src/auth/rights/identity.ts';
import { Rights } from '../../../../src/management/acting/rights.ts';
import { type Database, openDatabase } from '../../../../src/metadata/db/database.ts';
import type { Visibility } from '../../../../src/metadata/namespaces/groups.ts';
import type { RegistryAccessLevel } from '../../../../src/metadata/namespaces/projects.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { deployToken } from '../../auth/identities.ts';

const rights = new Rights();
let database: Database;
let groupId: number;
let userId: number;

beforeEach(async () => {
  database = await openDatabase({ url: undefined, file: ':memory:', log: silentLog, now: Date.now });
  const group = { name: 'acme', path: 'acme', fullPath: 'acme', visibility: 'public' } as const;
  groupId = (await database.groups.create({ ...group, description: undefined })).id;
  userId = (await database.users.create({ username: 'dana', name: 'Dana', isAdmin: false })).id;
  return () => database.close();
});

async function createProject(
  path: string,
  visibility: Visibility,
  role?: number,
  containerRegistryAccessLevel: RegistryAccessLevel = 'enabled',
): Promise<number> {
  const { id } = await database.projects.create({
    groupId,
    name: path,
    path,
    fullPath: `acme/${path}`,
    description: undefined,
    visibility,
    containerRegistryAccessLevel,
  });
  if (role !== undefined) await database.members.create({ projectId: id, userId, accessLevel: role });
  return id;
}

function dana(scopes: readonly TokenScope[], isAdmin = false): Identity {
  return { kind: 'user', userId, username: 'dana', isAdmin, scopes };
}

function jobOf(id: number, path: string, fields: Partial<JobIdentity> = {}): JobIdentity {
  const project = { id, fullPath: `acme/${path}` };
  const token = { jobTokenId: 1, trustId: undefined, name: 'build', expiresAt: Number.POSITIVE_INFINITY };
  return { kind: 'job', ...token, userId, isAdmin: false, project, accessLevel: 30, ...fields };
}

/** `found`, or the kind of the refusal. */
async function outcome(identity: Identity, path: string, action: Action): Promise<string> {
  try {
    const actor = { identity, address: undefined };
    const project = await rights.getProjectFor(database, actor, `acme/${path}`, action);
    return project.path === path ? 'found' : 'another';
  } catch (error) {
    return error instanceof Error && 'kind' in error ? String(error.kind) : String(error);
  }
}

describe('a project whose registry a user wants to use', () => {
  test.each([
    ['private', undefined, 'not-found', 'not-found'],
    ['private', 10, 'forbidden', 'forbidden'],
    ['private', 20, 'found', 'forbidden'],
    ['private', 30, 'found', 'found'],
    ['internal', undefined, 'found', 'forbidden'],
    ['public', undefined, 'found', 'forbidden'],
    ['public', 30, 'found', 'found'],
  ] as const)('%s, role %s: pull %s, delete %s', async (visibility, role, pull, remove) => {
    await createProject('shop', visibility, role);
    // The endpoint asks for the scope: read_api reads, whatever registry scopes there are.
    expect(await outcome(dana(['read_api']), 'shop', 'pull')).toBe(pull);
    expect(await outcome(dana(['api']), 'shop', 'delete')).toBe(remove);
  });

  test('where the registry is switched off nobody may, not even administrators', async () => {
    await createProject('shop', 'public', 50, 'disabled');
    expect(await outcome(dana(['api'], true), 'shop', 'pull')).toBe('forbidden');
  });

  test('where there is none looks as where it is hidden', async () => {
    expect(await outcome(dana(['api']), 'nothing', 'pull')).toBe('not-found');
  });
});

describe('a project whose registry a job wants to use', () => {
  test('is its own, as far as its role and its user go', async () => {
    const shop = await createProject('shop', 'private', 30);
    expect(await outcome(jobOf(shop, 'shop'), 'shop', 'pull')).toBe('found');
    expect(await outcome(jobOf(shop, 'shop'), 'shop', 'delete')).toBe('found');
    expect(await outcome(jobOf(shop, 'shop', { accessLevel: 20 }), 'shop', 'delete')).toBe('forbidden');
    await database.members.update({ projectId: shop }, userId, { accessLevel: 20 });
    expect(await outcome(jobOf(shop, 'shop'), 'shop', 'delete')).toBe('forbidden');
    expect(await outcome(jobOf(shop, 'shop', { userId: undefined }), 'shop', 'delete')).toBe('found');
  });

  test('is never another one, though its user is an Owner there', async () => {
    const shop = await createProject('shop', 'private', 30);
    await createProject('hidden', 'private');
    await createProject('theirs', 'private', 50);
    await createProject('open', 'public');
    const job = jobOf(shop, 'shop');
    expect(await outcome(job, 'hidden', 'pull')).toBe('not-found');
    expect(await outcome(job, 'theirs', 'pull')).toBe('forbidden');
    expect(await outcome(job, 'open', 'pull')).toBe('forbidden');
    expect(await outcome(job, 'theirs', 'delete')).toBe('forbidden');
  });
});

test('deploy tokens and registry tokens use no registry over the REST API', async () => {
  await createProject('shop', 'public');
  expect(await outcome(deployToken, 'shop', 'pull')).toBe('unauthorized');
  const bearer = { kind: 'registry-token', subject: 'dana', principal: undefined } as const;
  const access = [{ type: 'repository', name: 'acme/shop', actions: ['pull'] }];
  expect(await outcome({ ...bearer, access, refused: [] }, 'shop', 'pull')).toBe('unauthorized');
});
