/** An image that is pulled through a server that was just started. */
import { expect } from 'vitest';
import { seededBlob } from '../../support/fake-content.ts';
import type { FakeRegistry } from '../../support/fake-registry.ts';
import { rootToken } from './container.ts';

export interface Pulled {
  readonly digest: string;
  readonly layer: string;
}

const layerBytes = 300_000;

export function addImage(upstream: FakeRegistry): Pulled {
  const layer = seededBlob(layerBytes, 1);
  const { digest } = upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
  return { digest, layer: layer.digest };
}

export async function addUpstream(url: string, upstream: string): Promise<void> {
  const made = await fetch(`${url}/api/v4/virtual_registries/container/registries/1/upstreams`, {
    method: 'POST',
    headers: { 'private-token': rootToken, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'fake', url: upstream }),
  });
  expect(made.status, await made.text()).toBe(201);
}

/** @param reference a tag, or a digest, which needs no upstream once it is here */
export async function expectPull(url: string, { digest, layer }: Pulled, reference = 'v1'): Promise<void> {
  const authorization = `Basic ${Buffer.from(`root:${rootToken}`).toString('base64')}`;
  const get = (path: string) =>
    fetch(`${url}/v2/virtual_registries/container/1/team/app/${path}`, { headers: { authorization } });
  expect((await get(`manifests/${reference}`)).headers.get('docker-content-digest')).toBe(digest);
  expect((await (await get(`blobs/${layer}`)).bytes()).length).toBe(layerBytes);
}
