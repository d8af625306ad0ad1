/** What deletions over the REST API are kept from by protection rules, and whom they are told to. */

import { expect, test } from 'vitest';
import { RepositoryDeletionTask } from '../../src/hosted/repositories/repository-deletion.ts';
import { TagDeletionTask } from '../../src/hosted/tags/tag-deletion.ts';
import { TagPatterns } from '../../src/rules/tag-protection.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { pushImage } from '../support/hosted-images.ts';
import { createRepository } from '../support/hosted-records.ts';
import { immutableTagRule, tagRule } from '../support/protection-rules.ts';
import { RestApi } from '../support/rest-api.ts';
import { silentLog } from '../support/silent-log.ts';

const never = new AbortController().signal;
const tagKept = { status: 403, body: { message: '403 Forbidden - cannot delete protected tag(s)' } };
const repositoryKept = {
  status: 403,
  body: { message: '403 Forbidden - Deleting protected container repository forbidden.' },
};

describeEachDatabase('deletions over the REST API', (open, { clock }) => {
  /** acme/shop/web with the tags dev-1, dev-2, release-1 and v1; `v.*` is for Owners to delete, `release-.*` for nobody. */
  async function start({ withRules = true } = {}) {
    const database = await open();
    const api = await RestApi.start(database, clock);
    const acme = await api.createGroup('acme');
    const shop = await api.createProject(acme, 'shop');
    const { id } = await createRepository(database, 'acme/shop/web');
    await pushImage(database, id, ['dev-1', 'dev-2', 'release-1', 'v1']);
    clock.now += 1;
    if (withRules) {
      for (const rule of [tagRule('^v', 40, 50), immutableTagRule('^release-')])
        await database.protectionRules.create({ projectId: shop, ...rule });
    }
    const developer = await api.createMember(acme, 'developer', 30);
    const owner = await api.createMember(acme, 'owner', 50);
    const url = `/projects/${shop}/registry/repositories/${id}`;
    const left = () => database.repositoryLists.listTagNames(id);
    return { api, database, shop, id, developer, owner, url, left };
  }

  test('a protected tag is deleted by whom its rules allow, an immutable one by nobody', async () => {
    const { api, developer, owner, url, left } = await start();
    expect(await api.as(developer, 'DELETE', `${url}/tags/v1`)).toMatchObject(tagKept);
    expect(await api.as(developer, 'DELETE', `${url}/tags/release-1`)).toMatchObject(tagKept);
    expect(await api.ask('DELETE', `${url}/tags/release-1`)).toMatchObject(tagKept);
    expect(await left()).toHaveLength(4);
    expect(await api.as(developer, 'DELETE', `${url}/tags/dev-1`)).toMatchObject({ status: 200 });
    expect(await api.as(owner, 'DELETE', `${url}/tags/v1`)).toMatchObject({ status: 200 });
  });

  test('a repository stays where its tags do', async () => {
    const { api, database, owner, developer, url } = await start();
    expect(await api.as(developer, 'DELETE', url)).toMatchObject(repositoryKept);
    expect(await api.as(owner, 'DELETE', url)).toMatchObject(repositoryKept);
    expect(await database.repositoryRemovals.list()).toEqual([]);
  });

  test('many tags at once leave out those that their requester may not delete, and a dry run says so', async () => {
    const { api, database, developer, url, left } = await start();
    const body = { name_regex_delete: '.*' };
    const { body: preview } = await api.as(developer, 'DELETE', `${url}/tags`, { ...body, dry_run: true });
    expect(preview.keep).toMatchObject([
      { name: 'release-1', rule: 'immutable' },
      { name: 'v1', rule: 'protected' },
    ]);
    expect(await api.as(developer, 'DELETE', `${url}/tags`, body)).toMatchObject({ status: 202 });
    await new TagDeletionTask({ database, tagPatterns: new TagPatterns(), log: silentLog }).run(never);
    expect(await left()).toEqual(['release-1', 'v1']);
  });

  test('whoever wants to know is told of each tag, and of each manifest of a repository', async () => {
    const { api, database, shop, id, url, developer } = await start({ withRules: false });
    const filter = { ignoredActions: [], ignoredMediaTypes: [] };
    await database.webhooks.configure([{ ...filter, name: 'ci', isDisabled: false }]);
    const told = () => database.webhookDeliveries.countPending();
    await api.as(developer, 'DELETE', `${url}/tags/v1`);
    expect(await told()).toBe(1);
    await api.as(developer, 'DELETE', `${url}/tags`, { name_regex_delete: 'dev-.*' });
    await new TagDeletionTask({ database, tagPatterns: new TagPatterns(), log: silentLog }).run(never);
    expect(await told()).toBe(3);
    await api.as(developer, 'DELETE', url);
    await new RepositoryDeletionTask({ database, log: silentLog }).run(never);
    expect(await told()).toBe(4);
    expect(await database.repositories.find(id)).toBeUndefined();
    expect(await database.projects.find(shop)).toBeDefined();
  });
});
