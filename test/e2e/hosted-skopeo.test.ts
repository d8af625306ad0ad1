import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from './support/clients/client.ts';
import { isInstalled } from './support/clients/installed.ts';
import { skopeo } from './support/clients/skopeo.ts';
import { HostedStage } from './support/hosted-stage.ts';
import { digestAt } from './support/registry-content.ts';

const runs = await isInstalled(skopeo, 'lists, syncs and deletes');

describe.skipIf(!runs)('a hosted repository, by skopeo', () => {
  const repository = 'team/project/skopeo';
  const plain = '--tls-verify=false';
  let stage: HostedStage;
  let client: Client;
  let image: string;
  const listTags = async () => JSON.parse(await client.run('list-tags', plain, `docker://${image}`)).Tags;
  const digestOfTag = (tag: string) =>
    digestAt(`http://${stage.server.host}`, `${repository}:${tag}`, stage.server.authorization);

  beforeAll(async () => {
    stage = await HostedStage.start();
    client = await stage.open(skopeo, 'skopeo');
    image = `${stage.server.host}/${repository}`;
    await client.push(image, stage.sources);
  });
  afterAll(() => stage.close());

  test('lists its tags in their order', async () => {
    expect(await listTags()).toEqual(['converted', 'index', 'oci']);
  });

  test('is synced to a directory and from there to another repository, with every tag', async () => {
    const directory = join(stage.directory, 'synced');
    await client.run(
      'sync',
      '--all',
      '--src',
      'docker',
      '--dest',
      'dir',
      '--src-tls-verify=false',
      image,
      directory,
    );
    expect(readdirSync(directory).sort()).toEqual(['skopeo:converted', 'skopeo:index', 'skopeo:oci']);
    const to = `${stage.server.host}/team/project/again`;
    await client.run(
      'sync',
      '--all',
      '--src',
      'dir',
      '--dest',
      'docker',
      '--dest-tls-verify=false',
      directory,
      to,
    );
    for (const tag of ['converted', 'index', 'oci']) {
      const url = `http://${stage.server.host}`;
      const again = await digestAt(url, `team/project/again/skopeo:${tag}`, stage.server.authorization);
      expect(again).toBe(await digestOfTag(tag));
    }
  });

  test('loses an image that is deleted, and keeps the others', async () => {
    const [converted, oci] = [await digestOfTag('converted'), await digestOfTag('oci')];
    await client.run('delete', plain, `docker://${image}:index`);
    expect(await digestOfTag('index')).toBe('404');
    expect(await listTags()).toEqual(['converted', 'oci']);
    for (const [tag, digest] of [
      ['converted', converted],
      ['oci', oci],
    ] as const) {
      expect(await client.pull(`${image}:${tag}`)).toEqual([digest]);
    }
  });
});
