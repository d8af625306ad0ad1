import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { SecretBox } from '../../../../src/auth/credentials/secret-box.ts';
import { OidcClient, type PostForm } from '../../../../src/auth/oidc/oidc-client.ts';
import { OidcLogin } from '../../../../src/auth/oidc/oidc-login.ts';
import { parseGroupRole } from '../../../../src/management/people/oidc-roles.ts';
import { silentLog } from '../../../support/silent-log.ts';

const issuer = 'https://id.example';
const redirectUri = 'https://registry.example/auth/oidc/callback';
const metadata = {
  issuer,
  authorization_endpoint: `${issuer}/authorize?realm=main`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/keys`,
};

function setUp(said: object = metadata, clientId = 'entrepot', clientSecret?: string) {
  const stage = { now: 1_000_000, isDown: false, discoveries: 0, posted: [] as Parameters<PostForm>[1][] };
  const client = new OidcClient({
    issuer,
    clientId,
    clientSecret,
    scopes: ['openid', 'email'],
    usernameClaim: 'preferred_username',
    groupsClaim: 'groups',
    fetchJson: async () => {
      stage.discoveries += 1;
      if (stage.isDown) throw new Error('down');
      return said;
    },
    postForm: async (_url, form) => {
      stage.posted.push(form);
      return { status: 400, body: { error: 'invalid_grant' } };
    },
    log: silentLog,
    now: () => stage.now,
  });
  const secretBox = new SecretBox(Buffer.alloc(32, 1));
  const login = new OidcLogin({ client, secretBox, now: () => stage.now });
  return { stage, login };
}

describe('the way to an OpenID provider', () => {
  test('asks for a code, and shows of the verifier its hash alone', async () => {
    const { stage, login } = setUp();
    const { url, sealed } = await login.begin(redirectUri, '/');
    const { state, nonce, code_challenge: challenge, ...rest } = Object.fromEntries(url.searchParams);
    expect(url.origin + url.pathname).toBe(`${issuer}/authorize`);
    expect(rest).toEqual({
      realm: 'main',
      response_type: 'code',
      client_id: 'entrepot',
      redirect_uri: redirectUri,
      scope: 'openid email',
      code_challenge_method: 'S256',
    });
    expect(new Set([state, nonce, challenge]).size).toBe(3);
    expect(sealed).toMatch(/^v1\.[\w-]+$/);
    const finished = login.finish(sealed, new URLSearchParams({ state: state ?? '', code: 'c' }));
    await expect(finished).rejects.toMatchObject({ fault: 'denied' });
    const fields = stage.posted[0]?.fields;
    expect(hash('sha256', fields?.get('code_verifier') ?? '', 'base64url')).toBe(challenge);
    expect(fields?.get('redirect_uri')).toBe(redirectUri);
  });

  test('shows its secret encoded as in a form and no further: a hyphen stays one', async () => {
    const { stage, login } = setUp(metadata, '6f1c-a.b', 'GOCSPX-a_b:c d');
    const { url, sealed } = await login.begin(redirectUri, '/');
    const answer = new URLSearchParams({ state: url.searchParams.get('state') ?? '', code: 'c' });
    await expect(login.finish(sealed, answer)).rejects.toMatchObject({ fault: 'denied' });
    const { authorization } = Object.fromEntries(new Headers(stage.posted[0]?.headers));
    expect(Buffer.from(authorization?.slice('Basic '.length) ?? '', 'base64').toString()).toBe(
      '6f1c-a.b:GOCSPX-a_b%3Ac+d',
    );
  });

  test('is taken where discovery says null of what it does not have', async () => {
    const { login } = setUp({ ...metadata, authorization_response_iss_parameter_supported: null });
    expect((await login.begin(redirectUri, '/')).url.origin).toBe(issuer);
  });

  test('is another one each time', async () => {
    const { login } = setUp();
    const states = await Promise.all([1, 2].map(async () => (await login.begin(redirectUri, '/')).url.href));
    expect(new Set(states).size).toBe(2);
  });

  test.for([
    ['another issuer', { ...metadata, issuer: 'https://evil.example' }],
    ['a token endpoint that is not https', { ...metadata, token_endpoint: 'http://id.example/token' }],
    [
      'an authorization endpoint that is no web page',
      { ...metadata, authorization_endpoint: 'javascript:1' },
    ],
  ] as const)('is not taken where discovery names %s', async ([, said]) => {
    const { login } = setUp(said);
    await expect(login.begin(redirectUri, '/')).rejects.toMatchObject({ fault: 'unavailable' });
  });

  test('is asked for again after ten minutes, and known for a day while the provider is down', async () => {
    const { stage, login } = setUp();
    await login.begin(redirectUri, '/');
    await login.begin(redirectUri, '/');
    expect(stage.discoveries).toBe(1);
    stage.isDown = true;
    stage.now += 23 * 3_600_000;
    await login.begin(redirectUri, '/');
    expect(stage.discoveries).toBe(2);
    stage.now += 2 * 3_600_000;
    await expect(login.begin(redirectUri, '/')).rejects.toMatchObject({ fault: 'unavailable' });
  });

  test('is asked for once in ten seconds while it is down, however many sign in, and then again', async () => {
    const { stage, login } = setUp();
    stage.isDown = true;
    for (let round = 0; round < 3; round += 1) {
      const signIns = await Promise.allSettled([1, 2, 3].map(() => login.begin(redirectUri, '/')));
      expect(signIns.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
      stage.now += 3000;
    }
    expect(stage.discoveries).toBe(1);
    stage.isDown = false;
    stage.now += 1000;
    await login.begin(redirectUri, '/');
    expect(stage.discoveries).toBe(2);
  });
});

describe('the way back from an OpenID provider', () => {
  test('is not taken with the answer of another issuer: its code is not sent anywhere', async () => {
    const { stage, login } = setUp();
    const { url, sealed } = await login.begin(redirectUri, '/');
    const state = url.searchParams.get('state') ?? '';
    const finished = login.finish(
      sealed,
      new URLSearchParams({ state, code: 'c', iss: 'https://evil.example' }),
    );
    await expect(finished).rejects.toMatchObject({ fault: 'untrusted' });
    expect(stage.posted).toEqual([]);
  });

  test('is not taken without its issuer where discovery announces that, nor with an empty one', async () => {
    const { stage, login } = setUp({ ...metadata, authorization_response_iss_parameter_supported: true });
    const { url, sealed } = await login.begin(redirectUri, '/');
    const answer = { state: url.searchParams.get('state') ?? '', code: 'c' };
    for (const given of [answer, { ...answer, iss: '' }]) {
      const finished = login.finish(sealed, new URLSearchParams(given));
      await expect(finished).rejects.toMatchObject({ fault: 'untrusted' });
    }
    expect(stage.posted).toEqual([]);
  });

  test.for(['v1.AAAA', 'nonsense', ''])('is not taken with the invented cookie %j', async (sealed) => {
    const { stage, login } = setUp();
    const finished = login.finish(sealed, new URLSearchParams({ state: 's', code: 'c' }));
    await expect(finished).rejects.toMatchObject({ fault: 'interrupted' });
    expect(stage.posted).toEqual([]);
  });
});

describe('a role for a group of the provider', () => {
  test.for([
    ['devs=acme/shop:developer', { providerGroup: 'devs', fullPath: 'acme/shop', accessLevel: 30 }],
    ['/Org/Leads=Acme:owner', { providerGroup: '/Org/Leads', fullPath: 'acme', accessLevel: 50 }],
    [
      'cn=devs,dc=example=acme:guest',
      { providerGroup: 'cn=devs,dc=example', fullPath: 'acme', accessLevel: 10 },
    ],
    ['devs=acme', undefined],
    ['devs=acme:king', undefined],
    ['=acme:guest', undefined],
    ['devs=:guest', undefined],
  ] as const)('%s', ([text, role]) => {
    expect(parseGroupRole(text)).toEqual(role);
  });
});
