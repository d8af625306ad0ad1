/** Logins of ECR, by moto, which plays AWS: it gives them to whoever asks, as no key is wrong there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CloudExchanges } from '../support/cloud-exchanges.ts';
import { freePort } from '../support/free-port.ts';
import { findProgram } from '../support/storage-servers/programs.ts';
import { Entrepot } from './support/entrepot.ts';
import { answers, type RunningProgram, start } from './support/processes.ts';

const python = findProgram('moto');
if (python === undefined) console.log('skipped: moto was not made: npm run make:storage-servers');

/** What moto's logins have for a password. */
const password = '123456789012-auth-token';
const key = { access_key_id: 'AKIAIOSFODNN7EXAMPLE', secret_access_key: 'wJalr' };
const role_arn = 'arn:aws:iam::123456789012:role/pull';

/** Before moto, whose logins have all ended in 2015: they end in twelve hours here. */
function laterEnds(motoUrl: string): Server {
  return createServer(async (request, response) => {
    const headers = { ...request.headers, host: '', 'content-length': '', connection: '' };
    const sent = Object.entries(headers).filter(([, value]) => typeof value === 'string' && value !== '');
    const answer = await fetch(motoUrl, {
      method: 'POST',
      headers: sent.map(([name, value]) => [name, String(value)]),
      body: await text(request),
    });
    const ends = Math.floor(Date.now() / 1000) + 43_200;
    response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end((await answer.text()).replace(/"expiresAt": *[\d.e+]+/, `"expiresAt": ${ends}`));
  });
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`;
}

describe.skipIf(python === undefined)('an upstream of ECR', () => {
  const directory = mkdtempSync(join(tmpdir(), 'entrepot-ecr-'));
  const registry = new CloudExchanges(Date.now);
  registry.password = password;
  let aws: RunningProgram;
  let front: Server;
  let server: Entrepot;
  let url: string;

  beforeAll(async () => {
    const awsPort = await freePort();
    const awsUrl = `http://127.0.0.1:${awsPort}`;
    aws = await start(python ?? '', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(awsPort)], {
      logFile: join(directory, 'moto.log'),
      isReady: () => answers(`${awsUrl}/moto-api/data.json`),
    });
    front = laterEnds(awsUrl);
    const frontUrl = await listening(front);
    url = await listening(registry.server);
    const { host } = new URL(url);
    server = await Entrepot.start({
      directory: join(directory, 'server'),
      env: {
        ENTREPOT_UPSTREAMS__CLOUD_ENDPOINTS: `${host}=${frontUrl}`,
        ENTREPOT_UPSTREAMS__AMBIENT_HOSTS: host,
        AWS_ENDPOINT_URL_STS: awsUrl,
        AWS_ACCESS_KEY_ID: 'AKIAOFTHESERVER00000',
        AWS_SECRET_ACCESS_KEY: 's',
      },
    });
  });

  afterAll(async () => {
    await server?.program.stop();
    await aws?.stop();
    for (const each of [front, registry.server]) {
      each?.closeAllConnections();
      each?.close();
    }
    rmSync(directory, { recursive: true, force: true });
  });

  test.each([
    ['a key', { provider: 'ecr', ...key }],
    ['a key and a role', { provider: 'ecr', ...key, role_arn, external_id: 'acme' }],
    ['the server’s own identity', { provider: 'ecr' }],
    ['the server’s own identity in a role', { provider: 'ecr', role_arn }],
  ])('is logged in to with %s', async (_, credentials) => {
    registry.logins.length = 0;
    const test = '/groups/default/-/virtual_registries/container/upstreams/test';
    expect(await server.rest('POST', test, { url, credentials })).toEqual({ success: true });
    expect(new Set(registry.logins)).toEqual(new Set([`AWS:${password}`]));
  });
});
