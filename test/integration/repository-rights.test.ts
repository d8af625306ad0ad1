import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { type Action, actions } from '../../src/auth/rights/access.ts';
import {
  anonymous,
  type Identity,
  nameOf,
  type Principal,
  type UserIdentity,
} from '../../src/auth/rights/identity.ts';
import { RecordedRepositoryRights } from '../../src/auth/rights/repository-rights.ts';
import { Principals } from '../../src/auth/tokens/principals.ts';
import { CatalogService } from '../../src/management/repositories/catalog.ts';
import type { Database } from '../../src/metadata/db/database.ts';
import type { Visibility } from '../../src/metadata/namespaces/groups.ts';
import { parseDigest } from '../../src/oci/digest.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { job } from '../unit/auth/identities.ts';

const payload = Buffer.from('{"schemaVersion":2}');
const manifest = {
  digest: parseDigest(`sha256:${hash('sha256', payload)}`),
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  payload,
  references: [],
  subject: undefined,
  artifactType: undefined,
  annotations: undefined,
};

/** acme/web is a subgroup of acme; each user has one role in one of them. */
class People {
  readonly #database: Database;
  readonly #now: () => number;

  constructor(database: Database, now: () => number) {
    this.#database = database;
    this.#now = now;
  }

  async createGroup(fullPath: string, parentId?: number): Promise<number> {
    const path = fullPath.split('/').at(-1) ?? fullPath;
    const group = { name: path, path, fullPath, parentId, visibility: 'private' } as const;
    return (await this.#database.groups.create(group)).id;
  }

  async createProject(groupId: number, fullPath: string, visibility: Visibility): Promise<number> {
    const path = fullPath.split('/').at(-1) ?? fullPath;
    return (await this.#database.projects.create({ groupId, name: path, path, fullPath, visibility })).id;
  }

  async createUser(
    username: string,
    groupId?: number,
    accessLevel = 0,
    forMs?: number,
  ): Promise<UserIdentity> {
    const user = await this.#database.users.create({ username, name: username, isAdmin: false });
    const expiresAt = forMs === undefined ? undefined : this.#now() + forMs;
    if (groupId !== undefined)
      await this.#database.members.create({ groupId, userId: user.id, accessLevel, expiresAt });
    return { kind: 'user', userId: user.id, username, isAdmin: false, scopes: ['api'] };
  }
}

describeEachDatabase('who may use a hosted repository', (open, { clock }) => {
  async function prepare() {
    const database = await open();
    const now = () => clock.now;
    const people = new People(database, now);
    const principals = new Principals({ ...database, now });
    const rights = new RecordedRepositoryRights({ ...database, principals, isLoginRequired: true, now });
    const catalog = new CatalogService({ ...database, principals, isLoginRequired: true });
    const acme = await people.createGroup('acme');
    const web = await people.createGroup('acme/web', acme);
    const allowed = async (identity: Identity, name: string): Promise<Action[]> => {
      const answers = await Promise.all(actions.map((action) => rights.may(identity, name, action)));
      return actions.filter((_action, index) => answers[index]);
    };
    return { database, people, allowed, catalog, acme, web };
  }

  test('a role holds in the group and below, not above or beside', async () => {
    const { people, allowed, acme, web } = await prepare();
    await people.createProject(acme, 'acme/base', 'private');
    await people.createProject(web, 'acme/web/shop', 'private');
    const developer = await people.createUser('dana', acme, 30);
    const reporter = await people.createUser('eve', web, 20);
    const other = await people.createUser('ole', await people.createGroup('acmes'), 50);
    expect(await allowed(developer, 'acme/base')).toEqual(['pull', 'push', 'delete']);
    expect(await allowed(developer, 'acme/web/shop/server/debug')).toEqual(['pull', 'push', 'delete']);
    expect(await allowed(reporter, 'acme/web/shop/server')).toEqual(['pull']);
    expect(await allowed(reporter, 'acme/base')).toEqual([]);
    expect(await allowed(other, 'acme/base')).toEqual([]);
  });

  test('a role that is over is none, from the second on', async () => {
    const { people, allowed, acme } = await prepare();
    await people.createProject(acme, 'acme/base', 'internal');
    const developer = await people.createUser('dana', acme, 30, 60_000);
    expect(await allowed(developer, 'acme/base')).toEqual(['pull', 'push', 'delete']);
    clock.now += 60_001;
    expect(await allowed(developer, 'acme/base')).toEqual(['pull']);
  });

  test("a name without a project is nobody's, and neither is one too deep in it", async () => {
    const { people, allowed, acme } = await prepare();
    await people.createProject(acme, 'acme/base', 'public');
    const owner = await people.createUser('dana', acme, 50);
    for (const name of ['acme', 'acme/other', 'acme/base/a/b/c', 'virtual_registries/container/1/base'])
      expect([name, await allowed(owner, name)]).toEqual([name, []]);
    expect(await allowed(anonymous, 'acme/base')).toEqual(['pull']);
  });

  test('the catalog lists what they may pull, and nothing else', async () => {
    const { database, people, allowed, catalog, acme, web } = await prepare();
    const projects = [
      [acme, 'acme/base', 'private'],
      [acme, 'acme/open', 'internal'],
      [web, 'acme/web/shop', 'private'],
      [web, 'acme/web/site', 'public'],
    ] as const;
    const names: string[] = [];
    let shopId = 0;
    for (const [groupId, fullPath, visibility] of projects) {
      const projectId = await people.createProject(groupId, fullPath, visibility);
      if (fullPath === 'acme/web/shop') shopId = projectId;
      for (const name of [fullPath, `${fullPath}/server`]) {
        const { id } = await database.repositories.ensure(projectId, name);
        await database.repositoryManifests.save(id, manifest);
        names.push(name);
      }
      await database.repositories.ensure(projectId, `${fullPath}/nothing-pushed`);
    }
    const place = { kind: 'group', id: web, fullPath: 'acme/web' } as const;
    const users: Principal[] = [
      await people.createUser('owner', acme, 50),
      await people.createUser('guest', acme, 10),
      await people.createUser('reporter', web, 20),
      await people.createUser('stranger'),
      { ...(await people.createUser('root')), isAdmin: true },
      { kind: 'deploy-token', tokenId: 1, username: 'deploy', scopes: ['read_registry'], place },
      { ...job, userId: undefined, project: { id: shopId, fullPath: 'acme/web/shop' } },
    ];
    for (const user of users) {
      const pullable: string[] = [];
      for (const name of names) if ((await allowed(user, name)).includes('pull')) pullable.push(name);
      const listed = await catalog.list(user, { after: '', limit: 100 });
      expect([nameOf(user), listed]).toEqual([nameOf(user), { names: pullable.toSorted(), hasMore: false }]);
    }
  });
});
