import { jsonOf } from '../bodies.ts';
import { fakeImage } from '../fake-content.ts';
import { Pusher } from '../pushing.ts';
import type { ApiCalls, ApiWorld } from './api-world.ts';

/** One of the project's, with the tag v1. */
async function pushNew(world: ApiWorld): Promise<{ readonly path: { id: string; repository_id: number } }> {
  const name = `${world.projectPath}/${world.name()}`;
  await new Pusher(world.app, name).image(fakeImage(), 'v1');
  const { projectPath: id } = world;
  const list = `/projects/${encodeURIComponent(id)}/registry/repositories?search=${name}`;
  const [found] = await jsonOf<{ readonly id: number }[]>(await world.app.api('GET', list));
  if (!found) throw new Error(`${name} is not listed`);
  return { path: { id, repository_id: found.id } };
}

async function pushTag(world: ApiWorld) {
  const { path } = await pushNew(world);
  return { path: { ...path, tag_name: 'v1' } };
}

async function pushManifest(world: ApiWorld) {
  const { path } = await pushNew(world);
  return { path: { ...path, digest: fakeImage().digest } };
}

async function deleteTag(world: ApiWorld) {
  const { path } = await pushNew(world);
  const tags = `/projects/${encodeURIComponent(path.id)}/registry/repositories/${path.repository_id}/tags`;
  await world.app.api('DELETE', `${tags}/v1`);
  return { path };
}

const external = '/projects/{id}/registry/external_repositories';
const repository = '/projects/{id}/registry/repositories/{repository_id}';

async function pushExternally(world: ApiWorld) {
  const { projectPath, external } = world;
  const repository = `${projectPath}/${world.name()}`;
  await new Pusher(external, repository).image(fakeImage(), 'v1');
  return { path: { id: projectPath, repository } };
}

async function pushTagExternally(world: ApiWorld) {
  const { path } = await pushExternally(world);
  return { path: { ...path, tag_name: 'v1' } };
}

export const repositoryCalls: ApiCalls = {
  'GET /projects/{id}/registry/repositories': async (world) => {
    await pushNew(world);
    return { path: { id: world.projectPath }, query: { tags: true, tags_count: true, order_by: 'size' } };
  },
  'GET /groups/{id}/registry/repositories': async (world) => {
    await pushNew(world);
    return { path: { id: world.groupPath }, query: { order_by: 'last_pulled_at', sort: 'asc' } };
  },
  'GET /registry/repositories/{id}': async (world) => ({
    path: { id: (await pushNew(world)).path.repository_id },
    query: { tags: true, size: true },
  }),
  [`DELETE ${repository}`]: pushNew,
  [`GET ${repository}/tags`]: async (world) => ({
    ...(await pushNew(world)),
    query: { search: 'v', order_by: 'last_published_at', sort: 'desc', per_page: 5 },
  }),
  [`DELETE ${repository}/tags`]: async (world) => ({
    ...(await pushNew(world)),
    query: { name_regex_delete: '.*', name_regex_keep: 'v2', keep_n: 0, older_than: '1h', dry_run: true },
  }),
  [`GET ${repository}/tags/{tag_name}`]: pushTag,
  [`GET ${repository}/tags/{tag_name}/image`]: async (world) => ({
    ...(await pushTag(world)),
    query: { platform: 'linux/amd64' },
  }),
  [`GET ${repository}/manifests/{digest}`]: pushManifest,
  [`GET ${repository}/manifests/{digest}/config`]: pushManifest,
  [`POST ${repository}/tags/{tag_name}/copy`]: async (world) => ({
    ...(await pushTag(world)),
    body: {
      destination_repository: `${world.projectPath}/${world.name()}`,
      destination_tag: 'v2',
      referrers: true,
    },
  }),
  [`DELETE ${repository}/tags/{tag_name}`]: pushTag,
  [`GET ${external}`]: async (world) => {
    await pushExternally(world);
    return { path: { id: world.projectPath } };
  },
  [`GET ${external}/{repository}/tags`]: async (world) => ({
    ...(await pushExternally(world)),
    query: { search: 'v', per_page: 5 },
  }),
  [`GET ${external}/{repository}/tags/{tag_name}`]: pushTagExternally,
  [`DELETE ${external}/{repository}/tags/{tag_name}`]: pushTagExternally,
  [`GET ${repository}/deleted_tags`]: async (world) => ({
    ...(await deleteTag(world)),
    query: { search: 'v', per_page: 5 },
  }),
  [`POST ${repository}/deleted_tags/{deleted_tag_id}/restore`]: async (world) => {
    const { path } = await deleteTag(world);
    const list = `/projects/${encodeURIComponent(path.id)}/registry/repositories/${path.repository_id}/deleted_tags`;
    const [deleted] = await jsonOf<{ readonly id: number }[]>(await world.app.api('GET', list));
    if (!deleted) throw new Error('no tag was deleted');
    return { path: { ...path, deleted_tag_id: deleted.id } };
  },
};
