import { describe, expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { repositoryRule } from '../support/protection-rules.ts';
import { type Json, RestApi } from '../support/rest-api.ts';

const levels = { guest: 10, developer: 30, maintainer: 40, owner: 50 };
const forbidden = { status: 403, body: { message: '403 Forbidden' } };
const notFound = { status: 404, body: { message: '404 Not found' } };
const noProject = { status: 404, body: { message: '404 Project Not Found' } };
const [push, remove] = ['minimum_access_level_for_push', 'minimum_access_level_for_delete'];

function unprocessable(...sentences: string[]) {
  return { status: 422, body: { message: { error: sentences } } };
}

function badRequest(error: string) {
  return { status: 400, body: { error } };
}

describeEachDatabase('protection rules', (open, { clock }) => {
  async function start(kind: string) {
    const api = await RestApi.start(await open(), clock);
    const acme = await api.createGroup('acme');
    const shop = await api.createProject(acme, 'shop');
    const path = `/projects/${shop}/registry/protection/${kind}`;
    const create = async (fields: Json) => {
      const { status, body } = await api.ask('POST', path, fields);
      return { status, body };
    };
    const change = async (id: number, fields: Json) => {
      const { status, body } = await api.ask('PATCH', `${path}/${id}`, fields);
      return { status, body };
    };
    const actions = async () =>
      (await api.database.auditEvents.list({}, { page: 1, perPage: 20 })).records
        .filter(({ action }) => action.includes('rule'))
        .map(({ action, details, groupPath, projectPath }) => ({ action, details, groupPath, projectPath }));
    return { api, acme, shop, path, create, change, actions };
  }

  /** Statuses by role, of what Maintainers and what Owners may do. */
  async function statusesOf(
    { api, acme }: { readonly api: RestApi; readonly acme: number },
    requests: readonly (readonly [method: string, path: string, body?: Json])[],
  ) {
    const statuses: Record<string, number[]> = {};
    for (const [role, level] of Object.entries(levels)) {
      const member = await api.createMember(acme, role, level);
      statuses[role] = [];
      for (const [method, path, body] of requests)
        statuses[role].push((await api.as(member, method, path, body)).status);
    }
    return statuses;
  }

  describe('for repositories', () => {
    const pattern = 'acme/shop/release-*';

    test('are made, listed, changed and removed', async () => {
      const { api, shop, path, create, change, actions } = await start('repository/rules');
      const created = await create({ repository_path_pattern: pattern, [push]: 'maintainer' });
      const rule = {
        id: expect.any(Number),
        project_id: shop,
        repository_path_pattern: pattern,
        [push]: 'maintainer',
        [remove]: null,
      };
      expect(created).toEqual({ status: 201, body: rule });
      const all = { repository_path_pattern: 'acme/shop*', [push]: 'owner', [remove]: 'admin' };
      const second = await create(all);
      expect(second.body).toMatchObject(all);
      const listed = await api.ask('GET', path);
      expect(listed).toMatchObject({ status: 200, body: [created.body, second.body] });
      expect((await api.ask('GET', path.replace(String(shop), 'acme%2Fshop'))).body).toEqual(listed.body);

      const { id } = created.body;
      expect(await change(id, { [remove]: 'owner', [push]: '' })).toEqual({
        status: 200,
        body: { ...rule, id, [push]: null, [remove]: 'owner' },
      });
      expect((await change(id, { repository_path_pattern: 'acme/shop/Web' })).body).toMatchObject({
        repository_path_pattern: 'acme/shop/web',
        [remove]: 'owner',
      });
      expect((await change(id, {})).body).toMatchObject({ repository_path_pattern: 'acme/shop/web' });
      expect(await api.ask('DELETE', `${path}/${id}`)).toMatchObject({ status: 204, body: undefined });
      expect(await api.ask('DELETE', `${path}/${id}`)).toMatchObject(notFound);
      expect((await api.ask('GET', path)).body).toEqual([second.body]);

      const events = await actions();
      expect(events.map(({ action }) => action)).toEqual([
        'repository_protection_rule.delete',
        ...Array(3).fill('repository_protection_rule.update'),
        ...Array(2).fill('repository_protection_rule.create'),
      ]);
      expect(events.at(-1)).toMatchObject({
        details: { project_id: shop, repository_path_pattern: pattern, [push]: 'maintainer' },
        groupPath: 'acme',
        projectPath: 'acme/shop',
      });
    });

    test('have the path of earlier versions, too, which says that it is outdated', async () => {
      const { api, path } = await start('repository/rules');
      const old = path.replace('repository/rules', 'rules');
      const rule = { repository_path_pattern: pattern, [push]: 'admin' };
      const created = await api.ask('POST', old, rule);
      expect(created).toMatchObject({ status: 201, body: rule });
      expect((await api.ask('GET', path)).body).toEqual([created.body]);
      const listed = await api.ask('GET', old);
      expect(listed.body).toEqual([created.body]);
      expect(listed.headers.get('deprecation')).toMatch(/^@\d+$/);
      expect((await api.ask('GET', path)).headers.has('deprecation')).toBe(false);
      const { id } = created.body;
      expect((await api.ask('PATCH', `${old}/${id}`, { [push]: 'owner' })).body[push]).toBe('owner');
      expect((await api.ask('DELETE', `${old}/${id}`)).status).toBe(204);
    });

    test('are refused with 400 where a parameter is missing or of the wrong kind', async () => {
      const { create } = await start('repository/rules');
      const refusals: [Json, string][] = [
        [{ [push]: 'maintainer' }, 'repository_path_pattern is missing'],
        [{ repository_path_pattern: ' ', [push]: 'maintainer' }, 'repository_path_pattern is empty'],
        [
          { repository_path_pattern: pattern },
          `${push}, ${remove} are missing, at least one parameter must be provided`,
        ],
        [{ repository_path_pattern: pattern, [push]: 'developer' }, `${push} does not have a valid value`],
        [{ repository_path_pattern: pattern, [remove]: 40 }, `${remove} does not have a valid value`],
      ];
      for (const [fields, error] of refusals) expect(await create(fields)).toEqual(badRequest(error));
    });

    test('are refused with 422 where they would break a rule, which is said', async () => {
      const { create, change } = await start('repository/rules');
      const say = (sentence: string) => `Repository path pattern ${sentence}`;
      const { body } = await create({ repository_path_pattern: pattern, [push]: 'owner' });
      const taken = unprocessable(say('has already been taken'));
      expect(await create({ repository_path_pattern: pattern, [remove]: 'owner' })).toEqual(taken);
      const other = await create({ repository_path_pattern: 'acme/shop/b', [push]: 'owner' });
      expect(await change(other.body.id, { repository_path_pattern: pattern })).toEqual(taken);
      for (const outside of ['acme/sho', 'acme/other', '*', 'shop/acme/shop']) {
        expect(await create({ repository_path_pattern: outside, [push]: 'owner' })).toEqual(
          unprocessable(say("should start with the project's full path")),
        );
      }
      expect(await create({ repository_path_pattern: 'acme/shop/a b', [push]: 'owner' })).toEqual(
        unprocessable(say('should be a valid container repository path with optional wildcard characters.')),
      );
      const long = (length: number) => `acme/shop/${'x'.repeat(length - 'acme/shop/'.length)}`;
      expect((await create({ repository_path_pattern: long(255), [push]: 'owner' })).status).toBe(201);
      expect(await create({ repository_path_pattern: long(256), [push]: 'owner' })).toEqual(
        unprocessable(say('is too long (maximum is 255 characters)')),
      );
      const without = unprocessable('A rule must have at least a minimum access role for push or delete.');
      expect(await create({ repository_path_pattern: 'acme/shop', [push]: '' })).toEqual(without);
      expect(await change(body.id, { [push]: null })).toEqual(without);
      expect(await change(body.id, { [push]: '', repository_path_pattern: 'x' })).toEqual(
        unprocessable(
          say("should start with the project's full path"),
          'A rule must have at least a minimum access role for push or delete.',
        ),
      );
    });

    test('are at most 100 in a project', async () => {
      const { api, shop, create } = await start('repository/rules');
      for (let number = 0; number < 100; number += 1)
        await api.database.protectionRules.create({ projectId: shop, ...repositoryRule(`/${number}`, 40) });
      expect(await create({ repository_path_pattern: pattern, [push]: 'owner' })).toEqual(
        unprocessable('Maximum number of protection rules have been reached.'),
      );
    });

    test('are for Maintainers', async () => {
      const { api, acme, path, create } = await start('repository/rules');
      const ids: number[] = [];
      for (const name of ['a', 'b', 'c', 'd'])
        ids.push((await create({ repository_path_pattern: `acme/shop/${name}`, [push]: 'owner' })).body.id);
      const statuses: Record<string, number[]> = {};
      for (const [index, [role, level]] of Object.entries(levels).entries()) {
        const member = await api.createMember(acme, role, level);
        const rule = { repository_path_pattern: `acme/shop/${role}`, [push]: 'owner' };
        statuses[role] = [
          (await api.as(member, 'GET', path)).status,
          (await api.as(member, 'POST', path, rule)).status,
          (await api.as(member, 'PATCH', `${path}/${ids[index]}`, { [push]: 'admin' })).status,
          (await api.as(member, 'DELETE', `${path}/${ids[index]}`)).status,
        ];
      }
      expect(statuses).toEqual({
        guest: [403, 403, 403, 403],
        developer: [403, 403, 403, 403],
        maintainer: [200, 201, 200, 204],
        owner: [200, 201, 200, 204],
      });
    });

    test('are nothing to those who may not know of the project, and no other project has them', async () => {
      const { api, acme, path, create } = await start('repository/rules');
      const { body } = await create({ repository_path_pattern: pattern, [push]: 'owner' });
      const stranger = await api.createUser('stranger');
      expect(await api.as(stranger, 'GET', path)).toMatchObject(noProject);
      expect(await api.as(stranger, 'DELETE', `${path}/${body.id}`)).toMatchObject(noProject);
      expect(await api.ask('GET', '/projects/4711/registry/protection/repository/rules')).toMatchObject(
        noProject,
      );
      const nobody = { headers: { 'private-token': 'nobody-has-this' } };
      expect((await api.ask('GET', path, undefined, nobody)).status).toBe(401);
      const site = await api.createProject(acme, 'site', { visibility: 'public' });
      const elsewhere = `/projects/${site}/registry/protection/repository/rules`;
      expect(await api.as(stranger, 'GET', elsewhere)).toMatchObject(forbidden);
      expect((await api.ask('GET', elsewhere)).body).toEqual([]);
      expect(await api.ask('PATCH', `${elsewhere}/${body.id}`, { [push]: 'admin' })).toMatchObject(notFound);
      expect(await api.ask('DELETE', `${elsewhere}/${body.id}`)).toMatchObject(notFound);
    });

    test('go with their project, wherever it moves', async () => {
      const { api, shop, path, create } = await start('repository/rules');
      await create({ repository_path_pattern: pattern, [push]: 'owner' });
      const other = await api.createGroup('other');
      await api.ask('PUT', `/projects/${shop}/transfer`, { namespace: other });
      expect((await api.ask('GET', path)).body).toMatchObject([
        { repository_path_pattern: 'other/shop/release-*' },
      ]);
      expect((await api.ask('DELETE', `/projects/${shop}`)).status).toBeLessThan(300);
      expect(await api.database.protectionRules.list(shop)).toEqual([]);
    });
  });

  describe('for tags', () => {
    const rule = { tag_name_pattern: '^v\\d+', [push]: 'maintainer', [remove]: 'owner' };

    test('are made, listed, changed and removed', async () => {
      const { api, shop, path, create, change, actions } = await start('tag/rules');
      const created = await create(rule);
      expect(created).toEqual({
        status: 201,
        body: { id: expect.any(Number), project_id: shop, ...rule },
      });
      const { id } = created.body;
      expect((await api.ask('GET', path)).body).toEqual([created.body]);
      expect(await change(id, { [push]: 'admin' })).toEqual({
        status: 200,
        body: { ...created.body, [push]: 'admin' },
      });
      expect((await change(id, { tag_name_pattern: 'rc$', [remove]: 'admin' })).body).toEqual({
        ...created.body,
        tag_name_pattern: 'rc$',
        [push]: 'admin',
        [remove]: 'admin',
      });
      expect(await api.ask('DELETE', `${path}/${id}`)).toMatchObject({ status: 204, body: undefined });
      expect(await api.ask('DELETE', `${path}/${id}`)).toMatchObject(notFound);
      expect(await change(id, { [push]: 'owner' })).toEqual(notFound);
      expect((await api.ask('GET', path)).body).toEqual([]);
      const events = await actions();
      expect(events.map(({ action }) => action)).toEqual([
        'tag_protection_rule.delete',
        'tag_protection_rule.update',
        'tag_protection_rule.update',
        'tag_protection_rule.create',
      ]);
      expect(events.at(-1)).toMatchObject({
        details: { project_id: shop, ...rule },
        groupPath: 'acme',
        projectPath: 'acme/shop',
      });
    });

    test('are refused with 400 where a parameter is missing or of the wrong kind', async () => {
      const { create } = await start('tag/rules');
      const refusals: [Json, string][] = [
        [{ [push]: 'owner', [remove]: 'owner' }, 'tag_name_pattern is missing'],
        [{ ...rule, tag_name_pattern: '' }, 'tag_name_pattern is empty'],
        [{ tag_name_pattern: 'v' }, `${push} is missing, ${remove} is missing`],
        [{ tag_name_pattern: 'v', [push]: 'owner' }, `${remove} is missing`],
        [{ ...rule, [push]: '' }, `${push} does not have a valid value`],
        [{ ...rule, [remove]: 'developer' }, `${remove} does not have a valid value`],
      ];
      for (const [fields, error] of refusals) expect(await create(fields)).toEqual(badRequest(error));
    });

    test('are refused with 422 where they would break a rule, which is said', async () => {
      const { create, change } = await start('tag/rules');
      const say = (sentence: string) => `Tag name pattern ${sentence}`;
      await create(rule);
      expect(await create({ ...rule, [push]: 'owner' })).toEqual(
        unprocessable(say('has already been taken')),
      );
      const other = await create({ ...rule, tag_name_pattern: 'x'.repeat(100) });
      expect(other.status).toBe(201);
      const tooLong = unprocessable(say('is too long (maximum is 100 characters)'));
      expect(await create({ ...rule, tag_name_pattern: 'x'.repeat(101) })).toEqual(tooLong);
      expect(await change(other.body.id, { tag_name_pattern: 'x'.repeat(101) })).toEqual(tooLong);
      expect(await change(other.body.id, { tag_name_pattern: rule.tag_name_pattern })).toEqual(
        unprocessable(say('has already been taken')),
      );
      for (const invalid of ['(', '(?=a)', '(a)\\1', 'a{1001}', '([a-z]{0,1000}){9}']) {
        const { status, body } = await create({ ...rule, tag_name_pattern: invalid });
        expect([status, body.message.error[0]]).toEqual([422, expect.stringContaining('RE2')]);
      }
    });

    test('are five in a project, immutable ones included', async () => {
      const { api, path, create } = await start('tag/rules');
      const immutable = path.replace('tag/rules', 'tag/immutable_rules');
      for (const name of ['a', 'b', 'c'])
        expect((await create({ ...rule, tag_name_pattern: name })).status).toBe(201);
      for (const name of ['d', 'e'])
        expect((await api.ask('POST', immutable, { tag_name_pattern: name })).status).toBe(201);
      const full = unprocessable('Maximum number of protection rules have been reached.');
      expect(await create(rule)).toEqual(full);
      expect(await api.ask('POST', immutable, { tag_name_pattern: 'f' })).toMatchObject(full);
    });

    test('are for Maintainers', async () => {
      const { api, acme, path, create } = await start('tag/rules');
      const { id } = (await create(rule)).body;
      const statuses = await statusesOf({ api, acme }, [
        ['GET', path],
        ['PATCH', `${path}/${id}`, { [push]: 'admin' }],
        ['POST', path, { ...rule, tag_name_pattern: 'x' }],
        ['DELETE', `${path}/4711`],
      ]);
      expect(statuses).toEqual({
        guest: [403, 403, 403, 403],
        developer: [403, 403, 403, 403],
        maintainer: [200, 200, 201, 404],
        owner: [200, 200, 422, 404],
      });
      const stranger = await api.createUser('stranger');
      expect(await api.as(stranger, 'POST', path, rule)).toMatchObject(noProject);
    });
  });

  describe('of immutable tags', () => {
    const rule = { tag_name_pattern: '^release-' };

    test('are made, listed and removed, and never changed', async () => {
      const { api, shop, path, create, change, actions } = await start('tag/immutable_rules');
      const created = await create(rule);
      expect(created).toEqual({ status: 201, body: { id: expect.any(Number), project_id: shop, ...rule } });
      const { id } = created.body;
      expect((await api.ask('GET', path)).body).toEqual([created.body]);
      expect((await change(id, rule)).status).toBe(405);
      // Rules that name roles are others.
      const protectedPath = path.replace('immutable_rules', 'rules');
      expect((await api.ask('GET', protectedPath)).body).toEqual([]);
      for (const method of ['PATCH', 'DELETE'])
        expect(await api.ask(method, `${protectedPath}/${id}`)).toMatchObject(notFound);
      expect(await create(rule)).toEqual(unprocessable('Tag name pattern has already been taken'));
      expect(await create({})).toEqual(badRequest('tag_name_pattern is missing'));
      expect((await create({ tag_name_pattern: '(' })).status).toBe(422);
      expect(await api.ask('DELETE', `${path}/${id}`)).toMatchObject({ status: 204, body: undefined });
      expect(await api.ask('DELETE', `${path}/${id}`)).toMatchObject(notFound);
      expect((await actions()).map(({ action }) => action)).toEqual([
        'immutable_tag_rule.delete',
        'immutable_tag_rule.create',
      ]);
    });

    test('are for Owners; Maintainers see them', async () => {
      const { api, acme, path, create } = await start('tag/immutable_rules');
      const { id } = (await create(rule)).body;
      const statuses = await statusesOf({ api, acme }, [
        ['GET', path],
        ['POST', path, { tag_name_pattern: 'x' }],
        ['DELETE', `${path}/${id}`],
      ]);
      expect(statuses).toEqual({
        guest: [403, 403, 403],
        developer: [403, 403, 403],
        maintainer: [200, 403, 403],
        owner: [200, 201, 204],
      });
    });
  });

  test('of both kinds may not be made by two at once where there is room for one', async () => {
    const { create } = await start('tag/rules');
    const both = { [push]: 'owner', [remove]: 'owner' };
    for (const name of ['a', 'b', 'c', 'd']) await create({ ...both, tag_name_pattern: name });
    const answers = await Promise.all(
      ['e', 'f', 'g'].map((name) => create({ ...both, tag_name_pattern: name })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 422, 422]);
  });

  test('of one pattern may not be made by two at once', async () => {
    const { create } = await start('repository/rules');
    const rule = { repository_path_pattern: 'acme/shop/a', [push]: 'owner' };
    const answers = await Promise.all([1, 2, 3].map(() => create(rule)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 422, 422]);
  });

  test('of one kind are not those of another, whatever their patterns', async () => {
    const { api, path, create } = await start('repository/rules');
    const tagPath = path.replace('repository/rules', 'tag/rules');
    const { id } = (await create({ repository_path_pattern: 'acme/shopa', [push]: 'owner' })).body;
    const tagRule = { tag_name_pattern: 'a', [push]: 'owner', [remove]: 'owner' };
    const made = await api.ask('POST', tagPath, tagRule);
    expect(made.status).toBe(201);
    expect((await api.ask('GET', path)).body).toMatchObject([{ id }]);
    expect((await api.ask('GET', tagPath)).body).toEqual([made.body]);
    expect(await api.ask('PATCH', `${tagPath}/${id}`, { [push]: 'admin' })).toMatchObject(notFound);
    expect(await api.ask('DELETE', `${tagPath}/${id}`)).toMatchObject(notFound);
    expect(await api.ask('DELETE', `${path}/${made.body.id}`)).toMatchObject(notFound);
  });
});
