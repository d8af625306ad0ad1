/** Both ways round: another registry trusts our tokens, and we trust those of another service. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { SecretBox } from '../../src/auth/credentials/secret-box.ts';
import { SigningKeys } from '../../src/auth/tokens/signing-keys.ts';
import { openDatabase } from '../../src/metadata/db/database.ts';
import { pem } from '../support/certificates.ts';
import { KeptLog } from '../unit/api/registry/registry-server.ts';
import { forgeries, type Genuine, sign } from '../unit/auth/forging.ts';
import type { Client, Credentials } from './support/clients/client.ts';
import { isInstalled } from './support/clients/installed.ts';
import { skopeo } from './support/clients/skopeo.ts';
import { DockerRegistry } from './support/docker-registry.ts';
import { Entrepot } from './support/entrepot.ts';
import { TokenServer } from './support/token-server.ts';

const runs = await isInstalled(skopeo, 'is let in by a token service');
const [reporter, developer] = [20, 30];
const ourName = 'mirror.example.com';
const repository = 'team/app/bb';

/** What a registry that trusts a service must refuse, though the signature may be right. */
async function refusedTokens(genuine: Genuine): Promise<Map<string, string>> {
  const tokens = new Map(await forgeries(genuine, Math.floor(Date.now() / 1000)));
  const elsewhere = [{ type: 'repository', name: 'team/other/bb', actions: ['pull', 'push'] }];
  // How many bytes of a header are read is another matter.
  tokens.delete('too many bytes');
  tokens.set('another repository', await sign(genuine, { access: elsewhere }));
  tokens.set('nothing', await sign(genuine, { access: [] }));
  return tokens;
}

/** Entrepot with the project team/app, and a registry that trusts its tokens. @param bundleOf what the registry believes */
async function startTrusting(
  directory: string,
  {
    issuer,
    env,
    bundleOf,
  }: { issuer: string; env: Record<string, string>; bundleOf: (server: Entrepot) => Promise<string> },
): Promise<{ server: Entrepot; registry: DockerRegistry }> {
  const server = await Entrepot.start({
    directory: join(directory, 'entrepot'),
    env: { ENTREPOT_AUTH__SERVICES: ourName, ENTREPOT_AUTH__ISSUER: issuer, ...env },
  });
  await server.createProject('team/app');
  const rootcertbundle = join(directory, 'bundle.pem');
  writeFileSync(rootcertbundle, await bundleOf(server));
  const registry = await DockerRegistry.start({
    directory: join(directory, 'registry'),
    storage: join(directory, 'registry-storage'),
    auth: { realm: `http://${server.host}/jwt/auth`, service: ourName, issuer, rootcertbundle },
  });
  return { server, registry };
}

async function statusOf(host: string, token: string, init: RequestInit = {}): Promise<number> {
  const path = init.method === 'POST' ? 'blobs/uploads/' : 'manifests/1';
  const headers = {
    authorization: `Bearer ${token}`,
    accept:
      'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json',
  };
  const answer = await fetch(`http://${host}/v2/${repository}/${path}`, { ...init, headers });
  await answer.arrayBuffer();
  return answer.status;
}

function claimsFor(iss: string, aud: string): Genuine['claims'] {
  const now = Math.floor(Date.now() / 1000);
  const access = [{ type: 'repository', name: repository, actions: ['pull', 'push'] }];
  return { iss, aud, sub: 'dana', iat: now, nbf: now, exp: now + 300, jti: 'e2e', access };
}

describe.skipIf(!runs)('a token service', () => {
  let directory: string;
  let images: DockerRegistry;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'entrepot-tokens-'));
    const storage = inject('imageStorage');
    images = await DockerRegistry.start({ directory: join(directory, 'images'), storage });
  });
  afterAll(async () => {
    await images.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  const push = (client: Client, host: string) =>
    client.copy(`${images.host}/library/bb:1`, `${host}/${repository}:1`);

  describe("that is ours, for Debian's docker-registry,", () => {
    let server: Entrepot;
    let registry: DockerRegistry;
    let dana: Credentials;
    let rita: Credentials;
    const openClient = (name: string, credentials: Credentials) =>
      skopeo.open(join(directory, name), registry.host, credentials);

    beforeAll(async () => {
      ({ server, registry } = await startTrusting(join(directory, 'ours'), {
        issuer: 'entrepot',
        env: {},
        bundleOf: async ({ host }) =>
          (await fetch(`http://${host}/.well-known/token-certificates.pem`)).text(),
      }));
      const scopes = ['read_registry', 'write_registry'];
      dana = await server.createUser('dana', scopes, { team: developer });
      rita = await server.createUser('rita', scopes, { team: reporter });
    });
    afterAll(async () => {
      await registry?.stop();
      await server?.stop();
    });

    test('lets skopeo log in, push and pull as our records say', async () => {
      const developing = await openClient('dana', dana);
      await push(developing, registry.host);
      await developing.pull(`${registry.host}/${repository}:1`);
      const reporting = await openClient('rita', rita);
      await reporting.pull(`${registry.host}/${repository}:1`);
      await expect(push(reporting, registry.host)).rejects.toThrow(/denied|unauthorized/);
    });

    test('lets nobody in with a wrong secret', async () => {
      await expect(openClient('thief', { username: 'dana', password: 'wrong' })).rejects.toThrow();
    });

    test('grants nobody its list of repositories, which knows nothing of who may see which', async () => {
      const query = `service=${ourName}&scope=registry:catalog:*`;
      const answer = await fetch(`http://${server.host}/jwt/auth?${query}`, {
        headers: { authorization: server.authorization },
      });
      const { token }: { token: string } = JSON.parse(await answer.text());
      const listed = await fetch(`http://${registry.host}/v2/_catalog`, {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(listed.status).toBe(401);
    });

    test('refuses what was forged with our key and without it, and we refuse a token for another registry', async () => {
      const { kid, privateKey, publicKey } = await keyOf(server);
      const claims = claimsFor('entrepot', ourName);
      const genuine: Genuine = { alg: 'ES256', kid, privateKey, publicKey, claims };
      const good = await sign(genuine);
      expect(await statusOf(registry.host, good)).toBe(200);
      expect(await statusOf(registry.host, good, { method: 'POST' })).toBe(202);
      expect(await statusOf(server.host, good)).toBe(401);
      const forged = await refusedTokens(genuine);
      // docker-registry 2.8 does not know that there are such.
      forged.delete('an extension that must be understood');
      for (const [fault, token] of forged) {
        expect([fault, await statusOf(registry.host, token)]).toEqual([fault, 401]);
        expect([fault, await statusOf(registry.host, token, { method: 'POST' })]).toEqual([fault, 401]);
      }
    });
  });

  test('that is ours, by a key of its operator, lets skopeo in where its authority is trusted', async () => {
    const folder = join(directory, 'own-key');
    mkdirSync(folder);
    const [key, certificate] = [join(folder, 'token.key'), join(folder, 'token.crt')];
    writeFileSync(key, pem('issued.key'));
    writeFileSync(certificate, `${pem('issued.crt')}${pem('intermediate.crt')}`);
    const { server, registry } = await startTrusting(folder, {
      issuer: 'gitlab-issuer',
      env: { ENTREPOT_AUTH__KEY: key, ENTREPOT_AUTH__CERTIFICATE: certificate },
      bundleOf: async () => pem('authority.crt'),
    });
    onTestFinished(async () => {
      await registry.stop();
      await server.stop();
    });
    const dana = await server.createUser('dana', ['write_registry'], { team: developer });
    await push(await skopeo.open(join(folder, 'dana'), registry.host, dana), registry.host);
  });

  describe.each(['certificates', 'keys at an address'])("that is another's, trusted by %s,", (trust) => {
    const issuer = 'auth.example.com';
    const credentials: Credentials = { username: 'robot', password: 'robot-secret' };
    let tokens: TokenServer;
    let server: Entrepot;

    beforeAll(async () => {
      const folder = join(directory, trust.replaceAll(' ', '-'));
      tokens = await TokenServer.start({ directory: folder, issuer, service: ourName, ...credentials });
      server = await Entrepot.start({
        directory: join(folder, 'entrepot'),
        env: {
          ENTREPOT_AUTH__TOKEN_REALM: tokens.realm,
          ENTREPOT_AUTH__TOKEN_SERVICE: ourName,
          ENTREPOT_AUTH__TOKEN_ISSUER: issuer,
          ...(trust === 'certificates'
            ? { ENTREPOT_AUTH__TOKEN_ROOTCERTBUNDLE: tokens.certificateFile }
            : { ENTREPOT_AUTH__TOKEN_JWKS_URL: `${tokens.url}/jwks.json` }),
        },
      });
      await server.createProject('team/app');
    });
    afterAll(async () => {
      await server?.stop();
      tokens?.close();
    });

    test('lets skopeo log in, push and pull', async () => {
      const client = await skopeo.open(join(directory, `robot-${trust}`), server.host, credentials);
      await push(client, server.host);
      await client.pull(`${server.host}/${repository}:1`);
    });

    test('decides what may be done, and we which repositories there are', async () => {
      const access = [{ type: 'repository', name: 'team/absent/bb', actions: ['pull', 'push'] }];
      const answer = await fetch(`http://${server.host}/v2/team/absent/bb/blobs/uploads/`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await tokens.sign(access)}` },
      });
      expect(answer.status).toBe(403);
    });

    test('and whatever was forged in its name is refused, with a challenge that names it', async () => {
      const genuine: Genuine = { alg: 'RS256', ...pick(tokens), claims: claimsFor(issuer, ourName) };
      expect(await statusOf(server.host, await sign(genuine))).toBe(200);
      for (const [fault, token] of await refusedTokens(genuine)) {
        expect([fault, await statusOf(server.host, token)]).toEqual([fault, 401]);
        expect([fault, await statusOf(server.host, token, { method: 'POST' })]).toEqual([fault, 401]);
      }
      const answer = await fetch(`http://${server.host}/v2/${repository}/manifests/1`);
      expect(answer.headers.get('www-authenticate')).toBe(
        `Bearer realm="${tokens.realm}",service="${ourName}",scope="repository:${repository}:pull"`,
      );
    });

    test('gives no right to a virtual registry', async () => {
      const name = 'virtual_registries/container/1/library/bb';
      const token = await tokens.sign([{ type: 'repository', name, actions: ['pull'] }]);
      const url = `http://${server.host}/v2/${name}/manifests/1`;
      const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
      expect(answer.status).toBe(404);
      const challenge = (await fetch(url)).headers.get('www-authenticate');
      expect(challenge).toContain(`realm="http://${server.host}/jwt/auth",service="container_registry"`);
    });
  });

  test("that is another Entrepot's lets its users in", async () => {
    const env = { ENTREPOT_AUTH__SERVICES: `other.example.com, ${ourName}` };
    await using there = await Entrepot.start({ directory: join(directory, 'there'), env });
    await there.createProject('team/app');
    const dana = await there.createUser('dana', ['write_registry'], { team: developer });
    await using here = await Entrepot.start({
      directory: join(directory, 'here'),
      env: {
        ENTREPOT_AUTH__TOKEN_REALM: `http://${there.host}/jwt/auth`,
        ENTREPOT_AUTH__TOKEN_SERVICE: ourName,
        ENTREPOT_AUTH__TOKEN_ISSUER: 'entrepot',
        ENTREPOT_AUTH__TOKEN_JWKS_URL: `http://${there.host}/.well-known/jwks.json`,
      },
    });
    await here.createProject('team/app');
    const client = await skopeo.open(join(directory, 'dana-there'), here.host, dana);
    await push(client, here.host);
    await client.pull(`${here.host}/${repository}:1`);
  });
});

function pick({
  kid,
  privateKey,
  publicKey,
}: TokenServer): Pick<Genuine, 'kid' | 'privateKey' | 'publicKey'> {
  return { kid, privateKey, publicKey };
}

/** The key it signs with, by what lies in its data directory. */
async function keyOf({ dataDirectory }: Entrepot) {
  const file = join(dataDirectory, 'entrepot.db');
  const now = Date.now;
  const database = await openDatabase({ url: undefined, file, log: new KeptLog(), now });
  try {
    const secret = Buffer.from(readFileSync(join(dataDirectory, 'secret.key'), 'utf8').trim(), 'base64');
    const secretBox = new SecretBox(secret);
    const keys = new SigningKeys({
      records: database.signingKeys,
      secretBox,
      lifetimeMs: async () => 300_000,
      now,
    });
    return await keys.current();
  } finally {
    await database.close();
  }
}
