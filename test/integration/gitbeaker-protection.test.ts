/** GitLab's client has no calls of its own for protection rules; its requester sends ours as it sends those it has. */
import { Gitlab } from '@gitbeaker/rest';
import { expect, test } from 'vitest';
import { describeApp } from '../support/describe-app.ts';
import { fakeImage } from '../support/fake-content.ts';
import { createProject, Pusher } from '../support/pushing.ts';

const image = fakeImage();
const other = fakeImage({ architecture: 'arm64' });

describeApp('@gitbeaker/rest', (start) => {
  test('protects repositories and tags, sees what is wrong, and takes the rules away', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const { requester } = new Gitlab({ host: app.url, token: app.token }).Projects;
    const base = 'projects/acme%2Fshop/registry/protection';

    const repositories = `${base}/repository/rules`;
    const created = await requester.post(repositories, {
      body: { repositoryPathPattern: 'acme/shop/*', minimumAccessLevelForPush: 'maintainer' },
    });
    const rule = { id: expect.any(Number), minimum_access_level_for_push: 'maintainer' };
    expect(created).toMatchObject({ status: 201, body: rule });
    expect(await requester.get(repositories)).toMatchObject({ status: 200, body: [created.body] });
    await expect(
      requester.post(repositories, {
        body: { repositoryPathPattern: 'acme/shop/*', minimumAccessLevelForDelete: 'owner' },
      }),
    ).rejects.toMatchObject({
      cause: {
        description: expect.stringContaining('Repository path pattern has already been taken'),
        response: { status: 422 },
      },
    });
    const { id } = created.body as { id: number };
    const changes = { minimumAccessLevelForPush: '', minimumAccessLevelForDelete: 'admin' };
    expect(await requester.patch(`${repositories}/${id}`, { body: changes })).toMatchObject({
      body: { minimum_access_level_for_push: null, minimum_access_level_for_delete: 'admin' },
    });
    expect(await requester.delete(`${repositories}/${id}`)).toMatchObject({ status: 204 });

    const tags = `${base}/tag/rules`;
    const ofTags = {
      tagNamePattern: '^v\\d',
      minimumAccessLevelForPush: 'owner',
      minimumAccessLevelForDelete: 'admin',
    };
    const tagRule = (await requester.post(tags, { body: ofTags })).body as { id: number };
    await requester.patch(`${tags}/${tagRule.id}`, { body: { tagNamePattern: '^rel' } });
    expect((await requester.get(tags)).body).toMatchObject([{ tag_name_pattern: '^rel' }]);
    await requester.delete(`${tags}/${tagRule.id}`);

    const immutable = `${base}/tag/immutable_rules`;
    const forEver = (await requester.post(immutable, { body: { tagNamePattern: '^v1$' } })).body;
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.image(image, 'v1');
    await pusher.image(other, 'dev');
    expect((await pusher.manifest(other, 'v1')).status).toBe(403);
    await requester.delete(`${immutable}/${(forEver as { id: number }).id}`);
    expect((await pusher.manifest(other, 'v1')).status).toBe(201);
  });
});
