/** On real sockets: which proxy an upstream is asked through. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { createFindProxy } from '../../../src/outbound/proxies.ts';
import { createTransport } from '../../../src/upstreams/registry.ts';
import { plainNetwork } from '../../../src/upstreams/upstream.ts';
import { optionsOf, settingsOf } from './kit.ts';
import { type LoopbackRegistry, startLoopbackRegistry } from './loopback-registry.ts';

/** Answers as whatever it is asked for. */
const startServer = () => startLoopbackRegistry((_request, response) => response.end());

async function ask(url: string, proxy: string | undefined, forAll: LoopbackRegistry): Promise<void> {
  const settings = settingsOf({ url, network: { ...plainNetwork, proxy } });
  const http = { url: new URL(forAll.url), setting: 'outbound.http_proxy' };
  const findProxy = createFindProxy({ https: undefined, http, noProxy: [] });
  const transport = createTransport(settings, optionsOf({ findProxy, allowedNetworks: ['127.0.0.1'] }));
  onTestFinished(() => transport.close());
  const asked = { method: 'GET', url: new URL(`${url}/v2/`), headers: {}, redirects: 'follow' } as const;
  const answer = await transport.request(asked);
  answer.discard();
}

describe('an upstream is asked', () => {
  const registry = 'http://registry.corp.test';

  test('through the proxy for all where it has none of its own', async () => {
    const forAll = await startServer();
    await ask(registry, undefined, forAll);
    expect(forAll.requests).toEqual([`GET ${registry}/v2/`]);
  });

  test('through its own', async () => {
    const [forAll, own] = [await startServer(), await startServer()];
    await ask(registry, own.url, forAll);
    expect([forAll.requests, own.requests]).toEqual([[], [`GET ${registry}/v2/`]]);
  });

  test('through none where it says so', async () => {
    const [forAll, here] = [await startServer(), await startServer()];
    await ask(here.url, 'direct', forAll);
    expect([forAll.requests, here.requests]).toEqual([[], ['GET /v2/']]);
  });

  test('through its own, which is named as that where it refuses', async () => {
    const refusing = await startLoopbackRegistry((_request, response) => response.writeHead(407).end());
    await expect(ask(registry, refusing.url, await startServer())).rejects.toThrow(
      "(the upstream's proxy) wants a login",
    );
  });
});
