import { expect, test } from 'vitest';
import type { Identity } from '../../src/auth/rights/identity.ts';
import {
  demandRepositoryDeletable,
  demandTagDeletable,
  protectionOf,
} from '../../src/hosted/changes/protection.ts';
import type { WriteTarget } from '../../src/hosted/changes/write-target.ts';
import { runChange } from '../../src/management/acting/changes.ts';
import { getWriteTarget, protectionLevelIn } from '../../src/management/acting/find-repository.ts';
import type { Database } from '../../src/metadata/db/database.ts';
import type { Records } from '../../src/metadata/db/records.ts';
import { parseTag } from '../../src/oci/reference.ts';
import { TagPatterns } from '../../src/rules/tag-protection.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { createProject, createRepository, createUser, manifestOf } from '../support/hosted-records.ts';
import { immutableTagRule, repositoryRule, tagRule } from '../support/protection-rules.ts';
import { deployToken, job } from '../unit/auth/identities.ts';

const tagRefusal = { kind: 'forbidden', detail: 'cannot delete protected tag(s)' };
const repositoryRefusal = {
  kind: 'forbidden',
  detail: 'Deleting protected container repository forbidden.',
};

async function putTags(database: Database, repositoryId: number, tags: readonly string[]): Promise<void> {
  const manifest = manifestOf('{"schemaVersion":2}');
  await database.repositoryManifests.save(repositoryId, manifest);
  for (const tag of tags) await database.tags.put(repositoryId, parseTag(tag), manifest.digest);
}

describeEachDatabase('what is protected from deletion by the REST API', (open) => {
  async function prepare() {
    const database = await open();
    const project = await createProject(database, 'acme/shop');
    const repository = await createRepository(database, 'acme/shop/web');
    await putTags(database, repository.id, ['dev', 'v1', 'keep']);
    const actorOf = (identity: Identity) => ({ identity, address: undefined });
    const member = async (name: string, accessLevel?: number, isAdmin = false) => {
      const userId = await createUser(database, name);
      const { groupId } = project;
      if (accessLevel !== undefined) await database.members.create({ groupId, userId, accessLevel });
      return actorOf({ kind: 'user', userId, username: name, isAdmin, scopes: ['api'] });
    };
    type Member = Awaited<ReturnType<typeof member>>;
    const patterns = new TagPatterns();
    const reference = { project: 'acme/shop', id: repository.id };
    const change = (actor: Member, demand: (tx: Records, target: WriteTarget) => Promise<void>) =>
      runChange(database, async (tx) => demand(tx, await getWriteTarget(tx, actor, reference, 'delete')));
    return {
      database,
      project,
      repository,
      member,
      actorOf,
      protectTags: (tagNamePattern: string, level?: number) =>
        database.protectionRules.create({
          projectId: project.id,
          ...(level === undefined ? immutableTagRule(tagNamePattern) : tagRule(tagNamePattern, level, level)),
        }),
      deleteTag: (actor: Member, tag: string) =>
        change(actor, (tx, target) => demandTagDeletable(tx, patterns, target, parseTag(tag))),
      deleteRepository: (actor: Member) =>
        change(actor, (tx, target) => demandRepositoryDeletable(tx, patterns, target, repository.id)),
      of: async (actor?: Member) => {
        const level = actor ? await protectionLevelIn(database, project, actor) : 0;
        return protectionOf(database, { projectId: project.id, projectPath: 'acme/shop' }, level, patterns);
      },
    };
  }

  test('a tag, from those whose role is too low, and an immutable one from everyone', async () => {
    const { member, protectTags, deleteTag } = await prepare();
    await protectTags('^v', 40);
    await protectTags('^keep');
    const [dev, maintainer] = [await member('dev', 30), await member('maintainer', 40)];
    const root = await member('root', undefined, true);
    await expect(deleteTag(dev, 'v1')).rejects.toMatchObject(tagRefusal);
    await deleteTag(dev, 'dev');
    await deleteTag(maintainer, 'v1');
    await deleteTag(root, 'v1');
    for (const actor of [dev, maintainer, root])
      await expect(deleteTag(actor, 'keep')).rejects.toMatchObject(tagRefusal);
  });

  test('a repository with tags, from those who are below any rule for tags', async () => {
    const { database, repository, member, protectTags, deleteRepository } = await prepare();
    await protectTags('^nothing-is-called-that', 50);
    const maintainer = await member('maintainer', 40);
    await expect(deleteRepository(maintainer)).rejects.toMatchObject(repositoryRefusal);
    await deleteRepository(await member('owner', 50));
    const root = await member('root', undefined, true);
    await deleteRepository(root);
    await protectTags('^keep');
    await expect(deleteRepository(root)).rejects.toMatchObject(repositoryRefusal);
    for (const tag of ['dev', 'v1', 'keep']) await database.tags.remove(repository.id, parseTag(tag), 'ada');
    await deleteRepository(maintainer);
  });

  test('an immutable tag behind thousands of others keeps its repository', async () => {
    const { database, repository, member, protectTags, deleteRepository } = await prepare();
    await database.transaction((tx) =>
      putTags(tx as Database, repository.id, [
        ...Array.from({ length: 1001 }, (_each, index) => `a${index}`),
        'z-last',
      ]),
    );
    const root = await member('root', undefined, true);
    await deleteRepository(root);
    await protectTags('^z-last$');
    await expect(deleteRepository(root)).rejects.toMatchObject(repositoryRefusal);
  });

  test('a repository of a protected path, and each of its tags', async () => {
    const { database, project, repository, member, deleteTag, deleteRepository } = await prepare();
    await database.protectionRules.create({ projectId: project.id, ...repositoryRule('/w*', 0, 50) });
    const [maintainer, owner] = [await member('maintainer', 40), await member('owner', 50)];
    await expect(deleteTag(maintainer, 'dev')).rejects.toMatchObject({
      kind: 'forbidden',
      detail: 'cannot delete tag(s) of a protected container repository',
    });
    await expect(deleteRepository(maintainer)).rejects.toMatchObject(repositoryRefusal);
    await deleteTag(owner, 'dev');
    await deleteRepository(owner);
    expect(repository.name).toBe('acme/shop/web');
  });

  test('from a cleanup, whatever is protected at all; from a job, what its role is too low for', async () => {
    const { project, member, actorOf, protectTags, of } = await prepare();
    await protectTags('^v', 40);
    await protectTags('^keep');
    const guards = async (protection: Promise<Awaited<ReturnType<typeof of>>>) => {
      const found = await protection;
      return ['dev', 'v1', 'keep'].map((tag) => found.findTagGuard('acme/shop/web', tag));
    };
    expect(await guards(of())).toEqual([undefined, 'protected', 'immutable']);
    expect(await guards(of(await member('maintainer', 40)))).toEqual([undefined, undefined, 'immutable']);
    const own = { id: project.id, fullPath: project.fullPath };
    const unowned = { ...job, userId: undefined, project: own };
    expect(await guards(of(actorOf(unowned)))).toEqual([undefined, 'protected', 'immutable']);
    expect(await guards(of(actorOf({ ...unowned, accessLevel: 40 })))).toEqual([
      undefined,
      undefined,
      'immutable',
    ]);
    await expect(of(actorOf(deployToken))).rejects.toMatchObject({ kind: 'unauthorized' });
  });
});
