import { describe, expect, test } from 'vitest';
import { ClusterSecret } from '../../../src/cluster/cluster-secret.ts';

const secret = new ClusterSecret(Buffer.alloc(32, 1));
const same = new ClusterSecret(Buffer.alloc(32, 1));
const stranger = new ClusterSecret(Buffer.alloc(32, 2));
const request = { to: 'two', method: 'GET', path: '/-/fills?key=a&from=0', nonce: secret.createNonce() };

describe('processes with the same secret key', () => {
  test('know each other by their requests and answers', () => {
    expect(same.isRequest(request, secret.authorizationOf(request))).toBe(true);
    expect(secret.isAnswer(request, same.signatureOf(request))).toBe(true);
  });

  test.each([
    ['another process', { to: 'three' }],
    ['another method', { method: 'POST' }],
    ['another path', { path: '/-/fills?key=a&from=1' }],
    ['another request', { nonce: secret.createNonce() }],
  ])('sign for nothing else: %s', (_, changed) => {
    const other = { ...request, ...changed };
    expect(same.isRequest(other, secret.authorizationOf(request))).toBe(false);
    expect(secret.isAnswer(other, same.signatureOf(request))).toBe(false);
  });

  test('take no request for an answer, nor an answer for a request', () => {
    const signature = secret.signatureOf(request);
    expect(secret.isRequest(request, `Entrepot ${signature}`)).toBe(false);
    expect(secret.isAnswer(request, secret.authorizationOf(request).slice('Entrepot '.length))).toBe(false);
  });

  test('never use a number twice', () => {
    expect(new Set(Array.from({ length: 100 }, () => secret.createNonce())).size).toBe(100);
  });
});

test('who has another secret key is nobody', () => {
  expect(secret.isRequest(request, stranger.authorizationOf(request))).toBe(false);
  expect(secret.isAnswer(request, stranger.signatureOf(request))).toBe(false);
});

test.each([undefined, '', 'Entrepot ', 'Entrepot x', 'Bearer x', `Entrepot ${'A'.repeat(43)}`])(
  'no signature: %s',
  (text) => {
    expect(secret.isRequest(request, text)).toBe(false);
    expect(secret.isAnswer(request, text)).toBe(false);
  },
);

test('the secret key itself is not what requests are signed with', () => {
  // Whoever got to know one of the two does not know the other.
  expect(secret.signatureOf(request)).not.toBe(stranger.signatureOf(request));
  expect(secret.authorizationOf(request)).toMatch(/^Entrepot [A-Za-z0-9_-]{43}$/);
});
