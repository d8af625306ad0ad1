/** `entrepot image`: what is hosted, by the names that it is pulled by, and what is cached of a virtual registry. */
import type { Command } from 'commander';
import { parseImageReference } from '../../management/registries/explanation.ts';
import { isDigest } from '../../oci/digest.ts';
import { CommandRefused, UsageError } from '../command.ts';
import { type ApiClient, type Row, rowOf, rowsOf, segment } from './api-client.ts';
import type { Output } from './output.ts';
import { registryIdOf } from './registries.ts';
import { type Ask, online } from './remote.ts';

const base = '/virtual_registries/container';
const registryOption = [
  '--registry <registry>',
  'what is cached of this virtual registry, not what is hosted',
] as const;

const hostedColumns = { IMAGE: 'image', DIGEST: 'digest', BYTES: 'size_bytes', PUSHED: 'published_at' };
const cachedColumns = {
  IMAGE: 'image',
  UPSTREAM: 'upstream',
  DIGEST: 'digest',
  PULLS: 'downloads_count',
  'LAST PULLED': 'downloaded_at',
  CHECKED: 'upstream_checked_at',
};
const upstreamColumns = {
  UPSTREAM: 'name',
  IMAGE: 'repository',
  ALLOWED: 'allowed',
  CACHED: ({ entry }: Row) => (entry === null ? 'no' : rowOf(entry)['fresh'] ? 'fresh' : 'stale'),
  'WOULD BE ASKED': 'would_ask',
  ANSWER: ({ answer }: Row) =>
    Object.values(rowOf(answer))
      .filter((part) => part !== null)
      .join(', '),
};
const imageColumns = {
  Image: ({ repository, name }: Row) => `${repository}:${name}`,
  Digest: ({ image }: Row) => rowOf(rowOf(image)['manifest'])['digest'],
  Type: ({ image }: Row) => rowOf(rowOf(image)['manifest'])['media_type'],
  Bytes: ({ image }: Row) => rowOf(image)['size_bytes'],
  Platforms: ({ image }: Row) =>
    [rowOf(image), ...rowsOf(rowOf(rowOf(image)['manifest'])['references'])].flatMap(platformOf),
  Made: 'created_at',
  Pushed: 'published_at',
};

interface OfRegistry {
  readonly registry?: string;
}

export function addImageCommands(program: Command, ask: Ask): void {
  const image = program.command('image').description('what is hosted, and what is cached');
  online(image, 'list [path]', 'repositories, or the images at a path and below it')
    .option(...registryOption)
    .action(
      ask(async ({ api, output }, path: string | undefined, { registry }: OfRegistry) => {
        if (registry !== undefined) return listCached(api, output, await registryIdOf(api, registry), path);
        const names = await repositoriesBelow(api, path);
        if (path === undefined) return output.list(names, { REPOSITORY: 'name' });
        return output.list(await imagesOf(api, names), hostedColumns);
      }),
    );
  online(image, 'inspect <image>', 'what a tag or a digest names').action(
    ask(async ({ api, output }, text: string) => inspect(api, output, text)),
  );
  online(image, 'delete <image>', 'a tag, or by its digest a manifest with all its tags')
    .option(...registryOption)
    .action(
      ask(async ({ api, output }, text: string, { registry }: OfRegistry) => {
        const { image: name, reference } = parseWhole(text);
        if (registry === undefined) await api.send('DELETE', `/v2/${name}/manifests/${reference}`);
        else await forget(api, await registryIdOf(api, registry), `${name}/manifests/${reference}`);
        output.done({ image: text }, `${text} is gone${registry === undefined ? '' : ' from the cache'}.`);
      }),
    );
  online(image, 'copy <image> <to>', 'to another repository or tag of the server, without moving its bytes')
    .option('--referrers', 'with signatures and whatever else is attached to it')
    .action(
      ask(async ({ api, output }, text: string, to: string, { referrers }: { referrers?: boolean }) => {
        const source = parseImage(text);
        const copied = await api.send(
          'POST',
          `${await tagsPathOf(api, source.image)}/${source.reference}/copy`,
          {
            ...destinationOf(to),
            referrers,
          },
        );
        output.done(copied, `${copied['path']} is ${copied['digest']}.`);
      }),
    );
  online(image, 'explain <image>', 'where a pull through a virtual registry would come from, and why')
    .option('--registry <registry>', 'through which virtual registry', '1')
    .action(
      ask(async ({ api, output }, text: string, { registry = '1' }: OfRegistry) => {
        const id = await registryIdOf(api, registry);
        const found = await api.get(`${base}/registries/${id}/explain`, { image: text });
        const { why } = rowOf(found['verdict']);
        const judged = rowsOf(found['admission']).map(
          ({ policy, verdict, reason }) => `${policy}: ${verdict}: ${reason}`,
        );
        const note = [String(why), ...judged].join('\n');
        await output.list(rowsOf(found['upstreams']), upstreamColumns, { answer: found, note });
      }),
    );
}

/** Of all that may be pulled, by their names. */
async function repositoriesBelow(api: ApiClient, path: string | undefined): Promise<Row[]> {
  const namesIn = (body: unknown) => listIn(rowOf(body)['repositories']).map((name) => ({ name }));
  const all = await api.list('/v2/_catalog', {}, namesIn);
  return all.filter(({ name }) => path === undefined || `${name}/`.startsWith(`${path}/`));
}

async function imagesOf(api: ApiClient, repositories: readonly Row[]): Promise<Row[]> {
  const images: Row[] = [];
  for (const { name } of repositories)
    for (const tag of await api.list(`/gitlab/v1/repositories/${name}/tags/list/`))
      images.push({ ...tag, image: `${name}:${tag['name']}` });
  return images;
}

/** Where the API has the tags of a repository. @throws CommandRefused */
async function tagsPathOf(api: ApiClient, name: string): Promise<string> {
  const [top = ''] = name.split('/');
  const found = await api.list(`/groups/${segment(top)}/registry/repositories`, { search: name });
  const repository = found.find(({ path }) => path === name);
  if (!repository)
    throw new CommandRefused(`there is no repository ${name}; entrepot image list shows what is`);
  return `/projects/${repository['project_id']}/registry/repositories/${repository['id']}/tags`;
}

/** Without a tag: the same. @throws UsageError */
function destinationOf(text: string) {
  const { image, reference } = parseImage(text);
  if (isDigest(reference)) throw new UsageError(`'${text}' names a digest, and what it is to have is a tag`);
  return { destination_repository: image, ...(namesReference(text) && { destination_tag: reference }) };
}

async function inspect(api: ApiClient, output: Output, text: string): Promise<void> {
  const { image, reference } = parseImage(text);
  if (isDigest(reference)) {
    const manifest = await api.get(`/v2/${image}/manifests/${reference}`);
    output.done(manifest, JSON.stringify(manifest, undefined, 2));
  } else {
    const found = await api.get(`/gitlab/v1/repositories/${image}/tags/detail/${reference}/`);
    await output.details(found, imageColumns);
  }
}

async function listCached(api: ApiClient, output: Output, id: number, path = ''): Promise<void> {
  const images = (await cacheEntriesOf(api, id, path)).map((entry) => ({
    ...entry,
    image: String(entry['relative_path']).replace(/\/manifests\/(sha\d+:)?/, (_, algorithm) =>
      algorithm === undefined ? ':' : `@${algorithm}`,
    ),
  }));
  await output.list(images, cachedColumns);
}

/** Of manifests. @param path a part of the name */
async function cacheEntriesOf(api: ApiClient, registryId: number, path: string): Promise<Row[]> {
  const entries: Row[] = [];
  for (const { id, name } of await api.list(`${base}/registries/${registryId}/upstreams`)) {
    const found = await api.list(`${base}/upstreams/${id}/cache_entries`, { search: path });
    const manifests = found.filter((entry) => String(entry['relative_path']).includes('/manifests/'));
    entries.push(...manifests.map((entry) => ({ ...entry, upstream: name })));
  }
  return entries;
}

async function forget(api: ApiClient, registryId: number, path: string): Promise<void> {
  const entries = await cacheEntriesOf(api, registryId, path);
  const found = entries.filter((entry) => entry['relative_path'] === path);
  if (found.length === 0)
    throw new CommandRefused(`it is not cached; entrepot image list --registry ${registryId} shows what is`);
  for (const { id } of found) await api.send('DELETE', `${base}/cache_entries/${id}`);
}

function platformOf({ config }: Row): string[] {
  const { os, architecture } = rowOf(rowOf(config)['platform']);
  return os === undefined && architecture === undefined ? [] : [`${os}/${architecture}`];
}

/** Without a tag: latest. @throws UsageError */
function parseImage(text: string) {
  try {
    return parseImageReference(text);
  } catch (error) {
    throw new UsageError(`'${text}' is no image such as acme/shop/web:1.0`, { cause: error });
  }
}

/** What is deleted is named. @throws UsageError */
function parseWhole(text: string) {
  if (!namesReference(text))
    throw new UsageError(`'${text}' names no tag and no digest, as ${text}:1.0 does`);
  return parseImage(text);
}

function namesReference(text: string): boolean {
  return /[:@][^/]*$/.test(text);
}

function listIn(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
