/** What an issuer of ID tokens is asked for, and what of its failures its jobs notice. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { IdTokens } from '../../src/auth/oidc/id-tokens.ts';
import { JsonDocuments } from '../../src/outbound/json-documents.ts';
import { createKey, OidcIssuer } from '../support/oidc-issuer.ts';
import { silentLog } from '../support/silent-log.ts';

const audience = 'https://registry.example';
const second = 1000;
const minute = 60 * second;

interface Stage {
  readonly issuer: OidcIssuer;
  /** The kind of what came of a token: `job`, `refused`. */
  verify(token: string): Promise<string | undefined>;
  sign(claims?: object, options?: Parameters<OidcIssuer['sign']>[1]): Promise<string>;
  advance(ms: number): void;
}

interface StageOptions {
  readonly jwksUrl?: 'named';
  readonly allowedNetworks?: readonly string[];
  readonly algorithm?: Parameters<typeof createKey>[0];
}

async function setUp(options: StageOptions = {}): Promise<Stage> {
  const issuer = await OidcIssuer.start(options.algorithm);
  const { allowedNetworks = ['127.0.0.0/8'] } = options;
  const documents = new JsonDocuments({
    connectMs: 60_000,
    firstByteMs: 60_000,
    idleMs: 60_000,
    queueMs: 60_000,
    answerMs: 5000,
    allowedNetworks,
    userAgent: 'entrepot/test',
  });
  onTestFinished(async () => {
    await documents.close();
    await issuer.close();
  });
  let ahead = 0;
  const now = () => Date.now() + ahead;
  const trust = {
    id: 1,
    name: 'CI',
    issuer: issuer.url,
    audience,
    jwksUrl: options.jwksUrl && issuer.jwksUrl,
    claims: { sub: 'project_path:acme/**' },
    projectId: 7,
    projectPath: 'acme/shop',
    accessLevel: 30,
    createdAt: 0,
  };
  const idTokens = new IdTokens({
    oidcTrusts: { listByIssuer: async (url) => (url === issuer.url ? [trust] : []) },
    fetchJson: (url, signal) => documents.fetch(url, signal),
    log: silentLog,
    revision: { current: 0 },
    now,
  });
  return {
    issuer,
    verify: async (token) => (await idTokens.verify(token))?.kind,
    sign: (claims = {}, signing = {}) =>
      issuer.sign({ aud: audience, ...claims }, { now: now(), ...signing }),
    advance: (ms) => {
      ahead += ms;
    },
  };
}

describe('the keys of an issuer', () => {
  test('are discovered once for all its tokens', async () => {
    const { issuer, sign, verify } = await setUp();
    const tokens = await Promise.all([sign(), sign(), sign()]);
    expect(await Promise.all(tokens.map(verify))).toEqual(['job', 'job', 'job']);
    expect(await verify(await sign())).toBe('job');
    expect(issuer.asked).toEqual({ discovery: 1, keys: 1 });
  });

  test('are asked for at the address that the trust names, where it does', async () => {
    const { issuer, sign, verify } = await setUp({ jwksUrl: 'named' });
    expect(await verify(await sign())).toBe('job');
    expect(issuer.asked).toEqual({ discovery: 0, keys: 1 });
  });

  test.each(['RS256', 'ES256', 'PS256', 'EdDSA'] as const)('may be for %s', async (algorithm) => {
    const { sign, verify } = await setUp({ algorithm });
    expect(await verify(await sign())).toBe('job');
  });

  test('may rotate while jobs run', async () => {
    const { issuer, sign, verify, advance } = await setUp();
    const before = await sign();
    expect(await verify(before)).toBe('job');
    await issuer.rotate();
    advance(10 * second);
    const after = await sign();
    expect([await verify(after), await verify(before)]).toEqual(['job', 'job']);
    expect(issuer.asked.keys).toBe(2);
  });

  test('are asked for once per interval, however many unknown ones tokens name', async () => {
    const { issuer, sign, verify, advance } = await setUp();
    expect(await verify(await sign())).toBe('job');
    advance(10 * second);
    const forged = await Promise.all(Array.from({ length: 20 }, (_, n) => sign({}, { kid: `made up ${n}` })));
    expect(new Set(await Promise.all(forged.map(verify)))).toEqual(new Set(['refused']));
    for (const token of forged) await verify(token);
    expect(issuer.asked.keys).toBe(2);
    advance(10 * second);
    await verify(forged[0] ?? '');
    expect(issuer.asked.keys).toBe(3);
  });

  test('are not asked for by tokens that no trust would have', async () => {
    const { issuer, sign, verify } = await setUp();
    expect(await verify(await sign({ aud: 'someone else' }))).toBe('refused');
    expect(await verify(await sign({ sub: 'project_path:evil/shop' }))).toBe('refused');
    expect(await verify(await sign({ iss: 'https://issuer.example' }))).toBeUndefined();
    expect(issuer.asked).toEqual({ discovery: 0, keys: 0 });
  });

  test('that are taken back end within minutes', async () => {
    const { issuer, sign, verify, advance } = await setUp();
    const stolen = await sign({}, { expiresInSeconds: 3600 });
    expect(await verify(stolen)).toBe('job');
    await issuer.rotate({ forgets: true });
    advance(11 * minute);
    expect(await verify(stolen)).toBe('refused');
  });

  test.each(['down', 'failing', 'endless', 'not JSON', 'moved'] as const)(
    'that were known are good while the issuer is %s, for a day',
    async (mode) => {
      const { issuer, sign, verify, advance } = await setUp();
      expect(await verify(await sign())).toBe('job');
      issuer.mode = mode;
      advance(11 * minute);
      expect(await verify(await sign())).toBe('job');
      advance(25 * 60 * minute);
      expect(await verify(await sign())).toBe('refused');
      issuer.mode = 'up';
      advance(10 * second);
      expect(await verify(await sign())).toBe('job');
    },
  );

  test('are not waited for where the issuer hangs', { timeout: 20_000 }, async () => {
    const { issuer, sign, verify, advance } = await setUp();
    const key = await createKey('RS256');
    expect(await verify(await sign())).toBe('job');
    issuer.mode = 'hanging';
    advance(11 * minute);
    const started = performance.now();
    const tokens = await Promise.all([sign(), sign(), sign({}, { key })]);
    expect(await Promise.all(tokens.map(verify))).toEqual(['job', 'job', 'refused']);
    expect(performance.now() - started).toBeLessThan(8000);
  });

  test('are believed only from a discovery document of this very issuer', async () => {
    const { issuer, sign, verify } = await setUp();
    issuer.calledIssuer = 'https://issuer.example';
    expect(await verify(await sign())).toBe('refused');
    expect(issuer.asked).toEqual({ discovery: 1, keys: 0 });
  });

  test('are not fetched from private networks that nobody allowed', async () => {
    const { issuer, sign, verify } = await setUp({ allowedNetworks: [] });
    expect(await verify(await sign())).toBe('refused');
    expect(issuer.asked).toEqual({ discovery: 0, keys: 0 });
  });
});

describe('a token', () => {
  test('signed by a key that calls itself like a published one is refused', async () => {
    const { issuer, sign, verify } = await setUp();
    const kid = issuer.keys[0]?.kid ?? '';
    expect(await verify(await sign({}, { key: await createKey('RS256'), kid }))).toBe('refused');
  });

  test('of an issuer with one key need not name it', async () => {
    const { sign, verify } = await setUp();
    expect(await verify(await sign({}, { kid: null }))).toBe('job');
  });

  test('whose issuer publishes nonsense is refused', async () => {
    const { issuer, sign, verify } = await setUp();
    const [key] = issuer.keys;
    if (!key) throw new Error('no key');
    issuer.keys = [{ ...key, jwk: { kty: 'RSA', kid: key.kid, n: '!', e: '' } }];
    expect(await verify(await sign({}, { key }))).toBe('refused');
  });

  test.each([
    ['has no subject', { sub: undefined }],
    ['has no end', { exp: undefined }],
    ['has no audience', { aud: undefined }],
    ['is not valid yet', { nbf: 9_999_999_999 }],
    ['has a subject that is too long', { sub: `project_path:acme/${'a'.repeat(300)}` }],
  ])('that %s is refused', async (_what, claims) => {
    const { sign, verify } = await setUp();
    expect(await verify(await sign(claims))).toBe('refused');
  });

  test('that is none is nobody’s', async () => {
    const { verify } = await setUp();
    for (const text of ['', 'a.b.c', 'ent-0123456789', `${'a'.repeat(20_000)}.b.c`]) {
      expect(await verify(text)).toBeUndefined();
    }
  });
});
