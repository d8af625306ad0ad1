/** On real sockets: whatever comes of a request, its connection is there for the next one. There is one for all but blobs, and two for those of an image. */
import type { RequestListener } from 'node:http';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import type { RemoteUpstream } from '../../../src/upstreams/remote-upstream.ts';
import { testConnection } from '../../../src/upstreams/test-connection.ts';
import { createKit, credentials, image, latest, optionsOf, settingsOf } from './kit.ts';
import { startLoopbackRegistry } from './loopback-registry.ts';

const allowedNetworks = ['127.0.0.1/32'];
const digest = digestOf(Buffer.from('blob'));
const body = 'x'.repeat(20_000);

function answering(status: number, headers: Record<string, string> = {}): RequestListener {
  return (_request, response) => response.writeHead(status, headers).end(body);
}

/** By path, where it is among these, else as the last. */
function byPath(
  handlers: Readonly<Record<string, RequestListener>>,
  other: RequestListener,
): RequestListener {
  return (request, response) => (handlers[request.url ?? ''] ?? other)(request, response);
}

type Ask = (upstream: RemoteUpstream) => Promise<unknown>;
const headManifest: Ask = (upstream) => upstream.headManifest(image, latest);
const getManifest: Ask = (upstream) => upstream.getManifest(image, latest);
const headBlob: Ask = (upstream) => upstream.headBlob(image, digest);
const openBlob: Ask = (upstream) => upstream.openBlob(image, digest, { start: 4 });
const closeBlob: Ask = async (upstream) => (await upstream.openBlob(image, digest, { start: 0 })).close();
const listTags: Ask = (upstream) => upstream.listTags(image);
const listReferrers: Ask = (upstream) => upstream.listReferrers(image, digest);

const wrongPart = answering(206, { 'content-range': 'bytes 5-9/10' });
const redirecting = byPath({ '/there': answering(200) }, answering(307, { location: '/there' }));
const withoutHead: RequestListener = (request, response) =>
  answering(request.method === 'HEAD' ? 405 : 200)(request, response);
const basic: RequestListener = ({ headers, ...request }, response) =>
  answering(headers.authorization ? 200 : 401, { 'www-authenticate': 'Basic' })(request as never, response);

describe('a connection is free again', () => {
  test.each<[string, RequestListener, Ask]>([
    ['after a HEAD of a manifest', answering(200), headManifest],
    ['after a HEAD of a manifest that is not supported', answering(405), headManifest],
    ['after a HEAD of a manifest that is not there', answering(404), headManifest],
    ['after a manifest', answering(200), getManifest],
    ['after a manifest that is not there', answering(404), getManifest],
    ['after a redirect', redirecting, getManifest],
    ['after a challenge', basic, getManifest],
    ['after a HEAD of a blob', answering(200), headBlob],
    ['after a GET in place of a HEAD of a blob', withoutHead, headBlob],
    ['after a blob that is not there', answering(404), openBlob],
    ['after another part of a blob than was asked for', wrongPart, openBlob],
    ['after a blob that is closed', answering(200), closeBlob],
    ['after a list of tags that is none', answering(200), listTags],
    ['after referrers where there are none', answering(404), listReferrers],
    ['after referrers that cannot be listed', answering(400), listReferrers],
  ])('%s', async (_what, handler, ask) => {
    const registry = await startLoopbackRegistry(handler);
    const options = { allowedNetworks, maxConnections: 4, queueMs: 1000, breakerFailures: 99 };
    const { upstream } = createKit({ url: registry.url, credentials }, options);
    onTestFinished(() => upstream.close());
    for (let n = 0; n < 4; n++) {
      const outcome = await ask(upstream).catch((error: unknown) => error);
      expect(outcome).not.toMatchObject({ busy: true });
    }
    expect(registry.requests.length).toBeGreaterThanOrEqual(4);
  });

  test('after a refusal of a token service', async () => {
    const registry = await startLoopbackRegistry((request, response) =>
      byPath(
        { [request.url?.startsWith('/token') ? (request.url ?? '') : '']: answering(403) },
        answering(401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` }),
      )(request, response),
    );
    const { upstream } = createKit(
      { url: registry.url },
      { allowedNetworks, maxConnections: 4, queueMs: 1000 },
    );
    onTestFinished(() => upstream.close());
    for (let n = 0; n < 4; n++)
      await expect(getManifest(upstream)).rejects.toMatchObject({ kind: 'unauthorized', status: 403 });
  });
});

test('a tested connection is closed then', async () => {
  const closed = vi.fn();
  const { url } = await startLoopbackRegistry((request, response) => {
    request.socket.on('close', closed);
    response.end();
  });
  const settings = settingsOf({ url });
  expect(await testConnection(settings, 'a/manifests/b', optionsOf({ allowedNetworks }))).toEqual({
    success: true,
  });
  await expect.poll(() => closed).toHaveBeenCalled();
});
