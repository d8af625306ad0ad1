import { expect, onTestFinished, test } from 'vitest';
import { findBlockedWebhook, WebhookSender } from '../../../src/webhooks/webhook-sender.ts';
import { WebhookReceiver } from '../../support/webhook-receiver.ts';
import { startLoopbackRegistry } from '../upstreams/loopback-registry.ts';

const never = new AbortController().signal;

function senderTo(address: string, allowedNetworks: readonly string[] = []): WebhookSender {
  const sender = new WebhookSender({
    allowedNetworks,
    userAgent: 'entrepot/test',
    now: Date.now,
    resolve: async () => [{ address, family: 4 }],
  });
  onTestFinished(() => sender.close());
  return sender;
}

async function startReceiver(): Promise<WebhookReceiver> {
  const receiver = await WebhookReceiver.start();
  onTestFinished(() => receiver.stop());
  return receiver;
}

const postTo = (url: string) => ({
  url: new URL(url),
  headers: { 'x-entrepot-delivery': '1' },
  body: '{"events":[{}]}',
});

test('a name that resolves to a private address is not posted to', async () => {
  const receiver = await startReceiver();
  const post = postTo(receiver.url.replace('127.0.0.1', 'public.example'));
  expect(await senderTo('127.0.0.1').send(post, 5000, never)).toEqual({
    status: undefined,
    body: undefined,
    error: 'is at an address 127.0.0.1 that is not public; allow it with webhooks.allowed_networks',
    isDown: true,
    retryAfterMs: undefined,
  });
  expect(receiver.received).toEqual([]);
  const allowed = await senderTo('127.0.0.1', ['127.0.0.0/8']).send(post, 5000, never);
  expect(allowed).toMatchObject({ status: 200, error: undefined });
});

test('a literal address is judged before it is asked for', () => {
  expect(findBlockedWebhook('10.0.0.1', [])).toContain('webhooks.allowed_networks');
  expect(findBlockedWebhook('10.0.0.1', ['10.0.0.0/8'])).toBeUndefined();
  expect(findBlockedWebhook('ci.example', [])).toBeUndefined();
});

test.each([
  [204, undefined, false],
  [302, 'answered 302: redirects are not followed', false],
  [400, 'answered 400', false],
  [429, 'answered 429', true],
  [503, 'answered 503', true],
])('an answer of %i counts for what it is', async (status, error, isDown) => {
  const receiver = await startReceiver();
  receiver.behave = () => status;
  const reply = await senderTo('127.0.0.1', ['127.0.0.0/8']).send(postTo(receiver.url), 5000, never);
  expect(reply).toMatchObject({ status, error, isDown });
  expect(receiver.received).toHaveLength(1);
});

test.each([
  [429, '7', 7000],
  [503, 'Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
  [503, '86400', 3_600_000],
  [503, 'soon', undefined],
  [200, '7', undefined],
])(
  'an answer of %i may say when to come back, which counts where it is a refusal: %s',
  async (status, said, ms) => {
    const { url } = await startLoopbackRegistry((_request, response) =>
      response.writeHead(status, { 'retry-after': said }).end(),
    );
    const now = () => Date.parse('2026-01-01T00:00:00Z');
    const sender = new WebhookSender({ allowedNetworks: ['127.0.0.0/8'], userAgent: 'entrepot/test', now });
    onTestFinished(() => sender.close());
    expect(await sender.send(postTo(url), 5000, never)).toMatchObject({ status, retryAfterMs: ms });
  },
);

test('an answer without end is read for its beginning', async () => {
  const receiver = await startReceiver();
  receiver.behave = () => 'endless';
  const reply = await senderTo('127.0.0.1', ['127.0.0.0/8']).send(postTo(receiver.url), 5000, never);
  expect(reply).toMatchObject({ status: 200, body: 'x'.repeat(1024), error: undefined });
});

test('no answer is not waited for longer than is said, and a closed port is told so', async () => {
  const receiver = await startReceiver();
  receiver.behave = () => 'hang';
  const sender = senderTo('127.0.0.1', ['127.0.0.0/8']);
  expect(await sender.send(postTo(receiver.url), 50, never)).toMatchObject({
    status: undefined,
    error: 'did not answer within 0.05 s (timeout_seconds)',
    isDown: true,
  });
  await receiver.stop();
  expect(await sender.send(postTo(receiver.url), 5000, never)).toMatchObject({
    error: 'refused the connection',
    isDown: true,
  });
});
