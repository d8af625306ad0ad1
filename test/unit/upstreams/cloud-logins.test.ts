import { generateKeyPairSync } from 'node:crypto';
import { jwtVerify } from 'jose';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { parseTag } from '../../../src/oci/reference.ts';
import type { CloudIdentity } from '../../../src/upstreams/clouds/cloud-identity.ts';
import { ambientFault, findCloudPlace } from '../../../src/upstreams/clouds/cloud-identity.ts';
import type { UpstreamOptions } from '../../../src/upstreams/registry.ts';
import { testConnection } from '../../../src/upstreams/test-connection.ts';
import { CloudExchanges, digest } from '../../support/cloud-exchanges.ts';
import { Clock, createKit, image, latest, optionsOf, settingsOf } from './kit.ts';
import { listen } from './loopback-registry.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const aws: CloudIdentity = { provider: 'ecr', accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secret: 'wJalr' };
const ecrPublic: CloudIdentity = { ...aws, provider: 'ecr-public' };
const google: CloudIdentity = {
  provider: 'google',
  serviceAccount: 'pull@acme.iam.gserviceaccount.com',
  keyId: 'k1',
  secret: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
};
const azure: CloudIdentity = { provider: 'azure', tenantId: 'acme', clientId: 'app', secret: 'shh' };
const all = { ecr: aws, 'ecr-public': ecrPublic, google, azure };
const identities = Object.entries(all);
const users = {
  ecr: 'AWS',
  'ecr-public': 'AWS',
  google: 'oauth2accesstoken',
  azure: '00000000-0000-0000-0000-000000000000',
};

afterEach(() => vi.unstubAllEnvs());

/** An upstream of a cloud on this machine. */
async function start(credentials: CloudIdentity, options: Partial<UpstreamOptions> = {}, isAmbient = false) {
  const clock = new Clock();
  const cloud = new CloudExchanges(clock.now);
  const { url, port } = await listen(cloud.server);
  const host = `127.0.0.1:${port}`;
  const given = {
    allowedNetworks: ['127.0.0.1/32'],
    cloudEndpoints: [`${host}=${url}`],
    ambientHosts: isAmbient ? [host] : [],
    now: clock.now,
    ...options,
  };
  const settings = { url, credentials };
  const kit = createKit(settings, given);
  const pull = (tag = latest) => kit.upstream.headManifest(image, tag);
  const tryIt = () => testConnection(settingsOf(settings), 'team/app/manifests/latest', optionsOf(given));
  const countOf = (...paths: string[]) => cloud.calls.filter(({ path }) => paths.includes(path)).length;
  return { cloud, clock, pull, tryIt, url, host, countOf, log: kit.log, observer: kit.observer };
}

describe.each(identities)('logins of %s', (provider, identity) => {
  test('are exchanged once for fifty pulls that wait, and used until they end', async () => {
    const { cloud, clock, pull, countOf } = await start(identity);
    const tags = Array.from({ length: 50 }, (_, index) => parseTag(`t${index}`));
    const found = await Promise.all(tags.map((tag) => pull(tag)));
    expect(found).toEqual(tags.map(() => ({ digest })));
    expect(new Set(cloud.logins)).toEqual(new Set([`${users[identity.provider]}:first`]));
    expect(countOf('/', '/oauth2/exchange')).toBe(1);
    clock.ms += 3_500_000;
    await pull();
    expect(countOf('/', '/oauth2/exchange')).toBe(1);
  });

  test('are renewed before they end', async () => {
    const { cloud, clock, pull } = await start(identity);
    await pull();
    cloud.password = 'second';
    cloud.logins.length = 0;
    clock.ms += 3_575_000;
    expect(await pull()).toEqual({ digest });
    expect(cloud.logins).toEqual([`${users[identity.provider]}:second`]);
  });

  test('that are refused are not asked for again before the breaker’s time, and their error says what is missing', async () => {
    const { cloud, clock, pull, log } = await start(identity);
    const body = JSON.stringify({
      __type: 'UnrecognizedClientException',
      error: 'invalid_grant',
      message: 'arn:secret',
    });
    cloud.answer = () => ({ status: 400, body });
    const code = provider.startsWith('ecr') ? 'UnrecognizedClientException' : 'invalid_grant';
    const error = await pull().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: 'invalid', refusesCredentials: true });
    expect(String(error)).toMatch(
      new RegExp(`gave no login: .+ was refused \\(400, ${code}\\); it needs .+`),
    );
    expect(String(error)).not.toContain('arn:secret');
    expect(log.lines.join()).toContain('was refused (400');
    // Who we are is for whoever reads the log.
    if (provider.startsWith('ecr')) expect(log.lines.join()).toContain('arn:secret');
    await Promise.allSettled(Array.from({ length: 20 }, () => pull()));
    expect(cloud.calls).toHaveLength(1);
    cloud.answer = () => undefined;
    clock.ms += 30_000;
    expect(await pull()).toEqual({ digest });
  });

  test.each([
    ['no JSON', '<html>'],
    ['no token', '{}'],
    ['no object', '[]'],
  ])('are not taken from %s', async (_, body) => {
    const { cloud, pull } = await start(identity);
    cloud.answer = () => ({ body });
    await expect(pull()).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('gave no login'),
    });
    expect(cloud.logins).toEqual([]);
  });

  test('are not waited for any longer than an answer may take', async () => {
    const { cloud, pull, tryIt } = await start(identity, { answerMs: 100 });
    cloud.answer = () => 'nothing';
    await expect(pull()).rejects.toMatchObject({ kind: 'unavailable', timedOut: true });
    expect(await tryIt()).toMatchObject({ success: false });
  });

  test('that fail are a failure of the upstream where the cloud is to blame', async () => {
    const { cloud, pull, tryIt } = await start(identity);
    cloud.answer = () => ({ status: 503, body: '{}' });
    await expect(pull()).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('(503'),
    });
    cloud.answer = () => ({ status: 429, body: '{}' });
    expect(await tryIt()).toMatchObject({ result: expect.stringContaining('was refused (429') });
  });

  test('are no login of another registry, nor of the server itself unless that is allowed', async () => {
    const stranger = await start(identity, { cloudEndpoints: [] });
    await expect(stranger.pull()).rejects.toThrow(
      /logins of .+ are for https:.+ alone, not for http:\/\/127/,
    );
    const ambient = await start({ provider: identity.provider });
    await expect(ambient.pull()).rejects.toThrow(
      /may not be used at 127.+: give a key, or .+ upstreams\.ambient_hosts/,
    );
    expect([...stranger.cloud.calls, ...ambient.cloud.calls, ...stranger.cloud.logins]).toEqual([]);
  });
});

describe('what is sent', () => {
  test('to AWS names the call and is signed', async () => {
    const { cloud, pull } = await start(aws);
    await pull();
    expect(cloud.calls[0]?.headers).toMatchObject({
      'x-amz-target': 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken',
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE\/\d+\/us-east-1\/ecr\//,
      ),
    });
  });

  test('to AWS with a role is signed by what the role is given', async () => {
    const { cloud, pull, url } = await start({
      ...aws,
      roleArn: 'arn:aws:iam::123456789012:role/pull',
      externalId: 'acme',
    });
    vi.stubEnv('AWS_ENDPOINT_URL_STS', url);
    await pull();
    expect(Object.fromEntries(cloud.calls[0]?.form ?? [])).toMatchObject({
      Action: 'AssumeRole',
      RoleArn: 'arn:aws:iam::123456789012:role/pull',
      ExternalId: 'acme',
    });
    expect(cloud.calls[1]?.headers).toMatchObject({
      authorization: expect.stringContaining('ASIAASSUMED'),
      'x-amz-security-token': 'session',
    });
  });

  test('to Google is an assertion of the service account', async () => {
    const { cloud, clock, pull } = await start(google);
    await pull();
    const { grant_type, assertion = '' } = Object.fromEntries(cloud.calls[0]?.form ?? []);
    expect(grant_type).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const { payload, protectedHeader } = await jwtVerify(assertion, publicKey, {
      currentDate: new Date(clock.ms),
    });
    expect(protectedHeader.kid).toBe('k1');
    expect(payload).toMatchObject({
      iss: 'pull@acme.iam.gserviceaccount.com',
      aud: 'https://oauth2.googleapis.com/token',
      scope: 'https://www.googleapis.com/auth/cloud-platform',
    });
  });

  test('to Azure is the secret to Entra alone, and its token to the registry', async () => {
    const { cloud, pull, host } = await start(azure);
    await pull();
    expect(cloud.calls.map(({ path }) => path)).toEqual(['/acme/oauth2/v2.0/token', '/oauth2/exchange']);
    const [entra, exchange] = cloud.calls.map(({ form }) => Object.fromEntries(form));
    expect(entra).toMatchObject({ grant_type: 'client_credentials', client_id: 'app', client_secret: 'shh' });
    expect(exchange).toEqual({ grant_type: 'access_token', service: host, access_token: 'entra' });
  });
});

describe('a login that the registry refuses', () => {
  test('is had anew once, where it is not of just now', async () => {
    const { cloud, clock, pull } = await start(aws);
    await pull();
    cloud.password = 'second';
    await expect(pull()).rejects.toMatchObject({ kind: 'unauthorized' });
    expect(cloud.calls).toHaveLength(1);
    clock.ms += 60_000;
    expect(await pull()).toEqual({ digest });
    expect(cloud.calls).toHaveLength(2);
  });

  test('is not taken where it has ended before it is used', async () => {
    const { cloud, pull } = await start(aws);
    cloud.lifetimeSeconds = -1;
    await expect(pull()).rejects.toThrow('was answered with a token that has expired');
  });
});

describe('the server’s own identity', () => {
  test('is that of the environment, at AWS', async () => {
    const { cloud, pull } = await startAmbient({ provider: 'ecr' });
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAOFTHESERVER00000');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 's');
    await pull();
    expect(cloud.calls[0]?.headers.authorization).toContain('AKIAOFTHESERVER00000');
  });

  test('is that of the metadata server, at Google', async () => {
    const { cloud, pull, host } = await startAmbient({ provider: 'google' });
    vi.stubEnv('GCE_METADATA_HOST', host);
    vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present');
    cloud.now = Date.now;
    await pull().catch(() => undefined);
    const { path, headers } = cloud.calls.at(-1) ?? {};
    expect(path).toBe('/computeMetadata/v1/instance/service-accounts/default/token');
    expect(headers?.['metadata-flavor']).toBe('Google');
    expect(cloud.logins).toContain('oauth2accesstoken:first');
  });

  test('is the managed identity, at Azure', async () => {
    const { cloud, pull, url } = await startAmbient({ provider: 'azure' });
    vi.stubEnv('IDENTITY_ENDPOINT', `${url}/identity`);
    vi.stubEnv('IDENTITY_HEADER', 'h');
    cloud.now = Date.now;
    await pull();
    expect(cloud.calls.map(({ path }) => path)).toEqual(['/identity', '/oauth2/exchange']);
    expect(cloud.logins).toContain(`${users.azure}:first`);
  });

  function startAmbient(identity: CloudIdentity) {
    return start(identity, {}, true);
  }
});

test.each([
  ['ecr', 'https://123456789012.dkr.ecr.eu-west-1.amazonaws.com', 'eu-west-1'],
  ['ecr', 'https://123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
  ['ecr', 'https://123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com', 'us-gov-west-1'],
  ['ecr', 'https://123456789012.dkr-ecr.us-west-2.on.aws', 'us-west-2'],
  ['ecr-public', 'https://public.ecr.aws', 'us-east-1'],
  ['google', 'https://europe-west1-docker.pkg.dev', 'us-east-1'],
  ['google', 'https://eu.gcr.io', 'us-east-1'],
  ['azure', 'https://acme.azurecr.io', 'us-east-1'],
  ['azure', 'https://acme.azurecr.cn', 'us-east-1'],
  ['ecr', 'http://123456789012.dkr.ecr.eu-west-1.amazonaws.com', undefined],
  ['ecr', 'https://123456789012.dkr.ecr.eu-west-1.amazonaws.com:444', undefined],
  ['ecr', 'https://123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.test', undefined],
  ['ecr', 'https://evil.test/123456789012.dkr.ecr.eu-west-1.amazonaws.com', undefined],
  ['ecr-public', 'https://123456789012.dkr.ecr.eu-west-1.amazonaws.com', undefined],
  ['google', 'https://evilgcr.io', undefined],
  ['google', 'https://acme.azurecr.io', undefined],
  ['azure', 'https://acme.azurecr.io.evil.test', undefined],
  ['azure', 'https://azurecr.io', undefined],
] as const)('%s at %s has the region %s', (provider, url, region) => {
  expect(findCloudPlace(provider, new URL(url), { cloudEndpoints: [] })?.region).toBe(region);
});

test('a host that is allowed for the server’s identity is that host alone, or all below it', () => {
  const isAllowed = (host: string) =>
    ambientFault({}, new URL(`https://${host}`), { ambientHosts: ['a.test', '*.b.test'] }) === undefined;
  expect(['a.test', 'c.b.test', 'x.a.test', 'b.test', 'cb.test', 'a.test:444'].filter(isAllowed)).toEqual([
    'a.test',
    'c.b.test',
  ]);
});
