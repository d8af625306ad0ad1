/** GitLab's client drives repositories and tags of the whole server: https://github.com/jdalrymple/gitbeaker */
import { Gitlab } from '@gitbeaker/rest';
import { expect, test } from 'vitest';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { fakeImage, seededBlob } from '../support/fake-content.ts';
import { createProject, Pusher } from '../support/pushing.ts';

describeApp('@gitbeaker/rest and repositories', (start) => {
  test('lists repositories and tags, and deletes tags, one and many, and a repository', async () => {
    await using app = await start();
    const gitlab = new Gitlab({ host: app.url, token: app.token });
    const projectId = await createProject(app, 'acme/shop');
    const image = fakeImage({ layers: [seededBlob(1000, 1)] });
    const size = 1000 + (image.config?.size ?? 0);
    const pusher = new Pusher(app, 'acme/shop/web');
    for (const tag of ['dev-1', 'dev-2', 'dev-3', 'latest', 'v1']) await pusher.image(image, tag);

    const { ContainerRegistry } = gitlab;
    const [web] = await ContainerRegistry.allRepositories({ projectId, tags: true, tagsCount: true });
    expect(web).toMatchObject({
      name: 'web',
      path: 'acme/shop/web',
      tags_count: 5,
      status: null,
      tags: ['dev-1', 'dev-2', 'dev-3', 'latest', 'v1'].map((name) => ({ name })),
    });
    const id = web?.id ?? 0;
    expect(await ContainerRegistry.allRepositories({ groupId: 'acme' })).toMatchObject([{ id }]);
    expect(await ContainerRegistry.showRepository(id, { tagsCount: true })).toMatchObject({ tags_count: 5 });

    expect(await ContainerRegistry.allTags(projectId, id)).toHaveLength(5);
    expect(await ContainerRegistry.showTag(projectId, id, 'v1')).toMatchObject({
      digest: image.digest,
      total_size: size,
      revision: image.config?.digest.slice('sha256:'.length),
    });
    await ContainerRegistry.removeTag(projectId, id, 'v1');
    await expect(ContainerRegistry.showTag(projectId, id, 'v1')).rejects.toMatchObject({
      cause: { description: '404 Tag Not Found' },
    });
    await ContainerRegistry.removeTags(projectId, id, 'dev-.*', { nameRegexKeep: 'dev-2' });
    await eventually(async () => {
      const tags = await ContainerRegistry.allTags(projectId, id);
      expect(tags.map(({ name }) => name)).toEqual(['dev-2', 'latest']);
    });
    await expect(ContainerRegistry.removeTags(projectId, id, '.*')).rejects.toThrow(/at most once an hour/);

    await ContainerRegistry.removeRepository(projectId, id);
    await eventually(async () => {
      expect(await ContainerRegistry.allRepositories({ projectId })).toEqual([]);
    });
  });
});
