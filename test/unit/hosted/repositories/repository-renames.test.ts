import { expect, test } from 'vitest';
import { renameRepositories } from '../../../../src/hosted/repositories/repository-renames.ts';
import { TagPatterns } from '../../../../src/rules/tag-protection.ts';
import { describeSqlite } from '../../../support/databases.ts';
import { pushImage } from '../../../support/hosted-images.ts';
import { createProject, createRepository, linkBlob } from '../../../support/hosted-records.ts';
import { immutableTagRule, repositoryRule, tagRule } from '../../../support/protection-rules.ts';
import { mia, openShop, tagsOf, targetOf } from '../shop.ts';

describeSqlite('repositories that are renamed', (_open, each) => {
  /** With acme/shop/web/debug, a repository beside them, and the empty project acme/tools. */
  async function start() {
    const shop = await openShop(each);
    const { database, project } = shop;
    for (const name of ['acme/shop/web/debug', 'acme/shop/website']) await createRepository(database, name);
    const tools = (await createProject(database, 'acme/tools')).id;
    const names = async () => (await database.repositories.listNamed('acme')).map(({ name }) => name);
    const within = (name: string, from = 'acme/shop/web') =>
      database.transaction((tx) =>
        renameRepositories(tx, new TagPatterns(), targetOf(project, from), targetOf(project, name)),
      );
    /** Mia has this level there. */
    const toTools = (name = 'acme/tools/web', protectionLevel = mia.protectionLevel) =>
      database.transaction((tx) =>
        renameRepositories(tx, new TagPatterns(), targetOf(project, 'acme/shop/web'), {
          projectId: tools,
          projectPath: 'acme/tools',
          name,
          writer: { ...mia, protectionLevel },
        }),
      );
    const protect = {
      paths: (projectId: number, pattern: string, levels: { push?: number; delete?: number }) =>
        database.protectionRules.create({
          projectId,
          ...repositoryRule(pattern, levels.push, levels.delete),
        }),
      tags: (projectId: number, pattern: string, levels?: { push: number; delete: number }) =>
        database.protectionRules.create({
          projectId,
          ...(levels ? tagRule(pattern, levels.push, levels.delete) : immutableTagRule(pattern)),
        }),
    };
    return { shop, database, project, tools, names, within, toTools, protect };
  }

  const before = ['acme/shop/web', 'acme/shop/web/debug', 'acme/shop/website'];

  test('have their new name with all below them, are on record, and told of', async () => {
    const { shop, names, within } = await start();
    await within('acme/shop/site');
    expect(await names()).toEqual(['acme/shop/site', 'acme/shop/site/debug', 'acme/shop/website']);
    expect(await shop.audited()).toMatchObject([
      {
        action: 'repository.rename',
        targetId: 'acme/shop/site',
        actorId: 7,
        actorName: 'mia',
        address: '192.0.2.7',
        projectPath: 'acme/shop',
        details: { from: 'acme/shop/web', to: 'acme/shop/site', repositories: 2 },
      },
    ]);
    const told = (below: string) => ({
      action: 'rename',
      target: {
        repository: `acme/shop/site${below}`,
        rename: { type: 'name', from: `acme/shop/web${below}`, to: `acme/shop/site${below}` },
      },
      actor: { name: 'mia' },
    });
    expect(await shop.told()).toMatchObject([told(''), told('/debug')]);
  });

  test('come to another project, which is another namespace', async () => {
    const { shop, names, tools, database, toTools } = await start();
    await toTools();
    expect(await names()).toEqual(['acme/shop/website', 'acme/tools/web', 'acme/tools/web/debug']);
    expect((await database.repositories.find(shop.web))?.projectId).toBe(tools);
    expect(await shop.audited()).toMatchObject([{ projectPath: 'acme/tools' }]);
    expect(await shop.told()).toMatchObject([
      { target: { rename: { type: 'namespace', to: 'acme/tools/web' } } },
      { target: { rename: { type: 'namespace', to: 'acme/tools/web/debug' } } },
    ]);
  });

  test('stay where nothing was pushed to the name', async () => {
    const { within } = await start();
    await expect(within('acme/shop/site', 'acme/shop/none')).rejects.toMatchObject({
      kind: 'nothing-there',
      code: 'NAME_UNKNOWN',
      detail: 'nothing was pushed to acme/shop/none, nor below it',
    });
  });

  test.each(['acme/shop/website', 'acme/shop/api'])('stay where the new name is taken: %s', async (name) => {
    const { database, names, within } = await start();
    await createRepository(database, 'acme/shop/api/v2');
    await expect(within(name)).rejects.toMatchObject({ kind: 'name-taken', status: 409 });
    expect(await names()).toEqual(['acme/shop/api/v2', ...before]);
  });

  test('have names of their project, with at most two segments more', async () => {
    const { names, within } = await start();
    await expect(within('acme/shop/web2/old')).rejects.toMatchObject({
      kind: 'name-invalid',
      status: 400,
      detail: 'acme/shop/web2/old/debug would be too long: at most 2 segments follow the project',
    });
    expect(await names()).toEqual(before);
    await within('acme/shop/old/debug', 'acme/shop/web/debug');
    expect(await names()).toContain('acme/shop/old/debug');
  });

  test('have names that are none too long, of which as much is said as is of use', async () => {
    const { within } = await start();
    const long = `acme/shop/${'x'.repeat(400)}`;
    await expect(within(long)).rejects.toMatchObject({
      kind: 'name-invalid',
      fact: `${long.slice(0, 300)} would be too long`,
    });
  });

  test('are a thousand at most', async () => {
    const { database, project, within } = await start();
    await database.transaction(async (tx) => {
      for (let index = 0; index < 998; index += 1)
        await tx.repositories.ensure(project, `acme/shop/web/${index}`);
    });
    await within('acme/shop/site');
    await createRepository(database, 'acme/shop/site/last');
    await expect(within('acme/shop/web', 'acme/shop/site')).rejects.toMatchObject({
      kind: 'too-many-repositories',
      status: 422,
    });
  });

  test('come to another project only where its quota has room for what it does not have yet', async () => {
    const { shop, database, project, tools, toTools, within } = await start();
    await linkBlob(database, shop.web, 'layer', 100);
    await database.projects.update(tools, { quotaBytes: 99 });
    await expect(toTools()).rejects.toMatchObject({
      kind: 'over-quota',
      detail: 'project acme/tools would use 100 of 99 bytes: its quota is too small',
    });
    await database.projects.update(tools, { quotaBytes: 100 });
    await toTools();
    // Within a project, its quota says nothing.
    await database.projects.update(project, { quotaBytes: 1 });
    await linkBlob(database, (await createRepository(database, 'acme/shop/api')).id, 'other', 100);
    await within('acme/shop/api2', 'acme/shop/api');
  });

  test('may come to a project that is over its quota where they bring nothing', async () => {
    const { database, tools, toTools } = await start();
    await linkBlob(database, (await createRepository(database, 'acme/tools/cli')).id, 'big', 100);
    await database.projects.update(tools, { quotaBytes: 10 });
    await toTools();
  });

  test('are those that who renames may delete where they are, each of them', async () => {
    const { project, within, protect } = await start();
    await protect.paths(project, '/web', { delete: mia.protectionLevel });
    await protect.paths(project, '/*/debug', { delete: 50 });
    await expect(within('acme/shop/site')).rejects.toMatchObject({
      kind: 'rename-denied',
      code: 'DENIED',
      status: 403,
      detail: expect.stringContaining('acme/shop/web/debug'),
    });
    await within('acme/shop/site', 'acme/shop/website');
  });

  test('are those that who renames may push where they come to, each of them', async () => {
    const { tools, toTools, protect } = await start();
    await protect.paths(tools, '/*/debug', { push: 50 });
    await expect(toTools()).rejects.toMatchObject({
      kind: 'rename-denied',
      detail: expect.stringContaining('acme/tools/web/debug'),
    });
    await expect(toTools('acme/tools/web', 49)).rejects.toMatchObject({ kind: 'rename-denied' });
    await toTools('acme/tools/web', 50);
  });

  test('have no tag that is guarded where it is', async () => {
    const { shop, project, names, toTools, within, protect } = await start();
    await shop.push(...tagsOf(...Array.from({ length: 11 }, (_, index) => `t${index}`)));
    await protect.tags(project, '^t9$');
    for (const rename of [() => within('acme/shop/site'), () => toTools('acme/tools/web', 60)])
      await expect(rename()).rejects.toMatchObject({
        kind: 'rename-denied',
        detail: expect.stringMatching(/^tags of acme\/shop\/web are protected or immutable: /),
      });
    expect(await names()).toEqual(before);
    // What has no tags has none that are guarded.
    await within('acme/shop/site', 'acme/shop/website');
  });

  test('have no tag that who renames may not push where it comes to; that it is immutable there is no matter', async () => {
    const { shop, database, tools, toTools, protect } = await start();
    await shop.push('latest', 'v1');
    const { id: debug } = await createRepository(database, 'acme/shop/web/debug');
    await pushImage(database, debug, ['latest', 'v2']);
    await protect.tags(tools, '^v1$');
    await protect.tags(tools, '^v2$', { push: 50, delete: 40 });
    await expect(toTools()).rejects.toMatchObject({
      kind: 'rename-denied',
      detail: expect.stringMatching(/^tags of acme\/tools\/web\/debug are protected or immutable: /),
    });
    await toTools('acme/tools/web', 50);
    expect(await shop.tags()).toEqual(['latest', 'v1']);
  });
});
