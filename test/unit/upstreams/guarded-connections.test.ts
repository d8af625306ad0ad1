/** On real sockets: the guard works where they connect, which nock replaces. Nothing listens beyond 127.0.0.1. */
import { describe, expect, test, vi } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import type { UpstreamOptions } from '../../../src/upstreams/registry.ts';
import type { UpstreamSettings } from '../../../src/upstreams/upstream.ts';
import { createKit, image, latest } from './kit.ts';
import { startLoopbackRegistry } from './loopback-registry.ts';

const refused = {
  kind: 'unavailable',
  unreachable: true,
  message: expect.stringMatching(
    /^address \S+ is (?:in a private network|not a public address); allow it with/,
  ),
};

/** registry.corp.test is at 127.0.0.1, any other name at 127.0.0.2. */
function resolver() {
  return vi.fn(async (name: string) => [
    { address: name === 'registry.corp.test' ? '127.0.0.1' : '127.0.0.2', family: 4 },
  ]);
}

async function ask(settings: Partial<UpstreamSettings>, options: Partial<UpstreamOptions>): Promise<unknown> {
  const { upstream } = createKit(settings, options);
  try {
    return await upstream.getManifest(image, latest);
  } catch (error) {
    return error;
  } finally {
    await upstream.close();
  }
}

describe('a registry in a private network', () => {
  test.each([
    ['by name', (port: number) => `http://registry.corp.test:${port}`],
    ['by address', (port: number) => `http://127.0.0.1:${port}`],
    ['by an address in another spelling', (port: number) => `http://0x7f.1:${port}`],
    ['by a v4-mapped address', (port: number) => `http://[::ffff:127.0.0.1]:${port}`],
    ['by a NAT64 address', (port: number) => `http://[64:ff9b::7f00:1]:${port}`],
  ])('is not connected to %s', async (_how, urlOf) => {
    const registry = await startLoopbackRegistry((_request, response) => response.end('{}'));
    expect(await ask({ url: urlOf(registry.port) }, { resolve: resolver() })).toMatchObject(refused);
    expect(registry.connections()).toBe(0);
  });

  test.each([
    ['an allowed network', {}, { allowedNetworks: ['127.0.0.0/8'] }],
    ['its own allow_private_network', { allowPrivateNetwork: true }, {}],
  ])('is connected to with %s', async (_what, settings, options) => {
    const registry = await startLoopbackRegistry((_request, response) => response.end('{}'));
    const resolve = resolver();
    const url = `http://registry.corp.test:${registry.port}`;
    expect(await ask({ url, ...settings }, { resolve, ...options })).toMatchObject({
      digest: digestOf(Buffer.from('{}')),
    });
    expect(resolve).toHaveBeenCalledTimes(1);
  });

  test('is connected to at none but the allowed ones of its addresses', async () => {
    const registry = await startLoopbackRegistry((_request, response) => response.end('{}'));
    const resolve = async () =>
      ['10.0.0.5', '127.0.0.2', '127.0.0.1'].map((address) => ({ address, family: 4 }));
    const url = `http://registry.corp.test:${registry.port}`;
    expect(await ask({ url }, { resolve, allowedNetworks: ['127.0.0.1'] })).toMatchObject({
      digest: digestOf(Buffer.from('{}')),
    });
  });
});

describe('a registry that we may speak to cannot send us on to', () => {
  const allowed = { allowedNetworks: ['127.0.0.1/32'], tokenHosts: ['registry.corp.test=169.254.169.254'] };

  async function sendTo(location: string, status = 307, headers: Record<string, string> = { location }) {
    const registry = await startLoopbackRegistry((_request, response) =>
      response.writeHead(status, headers).end(),
    );
    const url = `http://registry.corp.test:${registry.port}`;
    expect(await ask({ url }, { resolve: resolver(), ...allowed })).toMatchObject(refused);
    expect(registry.requests).toHaveLength(1);
  }

  test.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/latest/meta-data/',
    'http://127.0.0.2:5000/',
    'http://inner.corp.test:5000/',
    'https://inner.corp.test/',
    'http://localhost.corp.test/',
  ])('%s by a redirect', async (location) => {
    await sendTo(location);
  });

  test.each(['http://auth.corp.test/token', 'http://169.254.169.254/token'])(
    '%s by a realm',
    async (realm) => {
      await sendTo(realm, 401, { 'www-authenticate': `Bearer realm="${realm}"` });
    },
  );
});
