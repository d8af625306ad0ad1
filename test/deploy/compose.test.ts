/** The compose files: docker-compose takes them, and what they start is a server that pulls. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { answers, missing, run, start } from '../e2e/support/processes.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { freePort } from '../support/free-port.ts';
import { createDatabase } from '../support/postgres-database.ts';
import { root, rootToken, type StartedContainer, startContainer } from './support/container.ts';
import { addImage, addUpstream, expectPull } from './support/pulling.ts';

const directory = mkdtempSync(join(tmpdir(), 'entrepot-compose-'));
afterAll(() => rmSync(directory, { recursive: true }));
const absent = await missing('docker-compose');
if (absent.length > 0) console.log('compose files are not looked at: no docker-compose');
const testWithCompose = test.skipIf(absent.length > 0);

interface Service {
  readonly environment: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
}

/** As docker-compose reads it. @throws Error with what it said */
async function servicesOf(
  file: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Readonly<Record<string, Service>>> {
  const said = await run('docker-compose', ['-f', join(root, 'deploy', file), 'config'], { env });
  return parse(said).services;
}

testWithCompose('what compose.yaml starts is a server that pulls', async () => {
  await using upstream = await new FakeRegistry().start();
  const pulled = addImage(upstream);
  const { entrepot } = await servicesOf('compose.yaml');
  expect(entrepot).toMatchObject({
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
  });
  const env = { ...entrepot?.environment, ENTREPOT_ROOT_TOKEN: rootToken };
  const server = await startContainer({ args: entrepot?.command ?? [], env, files: {} }, directory);
  await addUpstream(server.url, upstream.url);
  await expectPull(server.url, pulled);
  await server.program.stop();
});

const serverUrl = process.env['TEST_POSTGRES_URL'];
const redis = process.env['TEST_REDIS_URL'];
const without = [...absent, ...(await missing('nginx'))];
const missingServers = serverUrl === undefined || redis === undefined;
if (missingServers)
  console.log('replicas are not started: TEST_POSTGRES_URL and TEST_REDIS_URL name no servers');

testWithCompose('replicas are not started without the secrets that they need', async () => {
  await expect(servicesOf('compose.cluster.yaml')).rejects.toThrow('ENTREPOT_SECRET_KEY');
  const key = { ENTREPOT_SECRET_KEY: 'k' };
  await expect(servicesOf('compose.cluster.yaml', key)).rejects.toThrow('POSTGRES_PASSWORD');
});

test.skipIf(without.length > 0 || missingServers)(
  'what compose.cluster.yaml starts is two replicas behind nginx, of which one may stop',
  async () => {
    await using upstream = await new FakeRegistry().start();
    const pulled = addImage(upstream);
    const database = await createDatabase(serverUrl ?? '');
    const key = Buffer.alloc(32, 7).toString('base64');
    const services = await servicesOf('compose.cluster.yaml', {
      ENTREPOT_SECRET_KEY: key,
      POSTGRES_PASSWORD: 'p',
    });
    const replicas = ['entrepot-1', 'entrepot-2'];
    const home = join(directory, 'cluster');
    const started: StartedContainer[] = [];
    try {
      for (const name of replicas) {
        const env = {
          ...services[name]?.environment,
          // Other names and places of what the file names, as they are here.
          ENTREPOT_DATABASE__URL: database.url,
          ENTREPOT_SHARED_CACHE__URL: redis ?? '',
          ENTREPOT_STORAGE__DIRECTORY: join(home, 'blobs'),
          ENTREPOT_ROOT_TOKEN: rootToken,
        };
        started.push(
          await startContainer({ args: services[name]?.command ?? [], env, files: {} }, join(home, name)),
        );
      }
      const url = `http://127.0.0.1:${await freePort()}`;
      const proxy = join(home, 'nginx');
      mkdirSync(proxy);
      const named = replicas.reduce(
        (text, name, index) => text.replace(`${name}:5000`, new URL(started[index]?.url ?? '').host),
        readFileSync(join(root, 'deploy/nginx.conf'), 'utf8').replace(
          'listen 80',
          `listen ${new URL(url).host}`,
        ),
      );
      const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (each) => `${each}_temp_path ${proxy};`,
      );
      const around = `daemon off; pid ${proxy}/pid; error_log stderr; events {} http { access_log off; ${folders.join(' ')}`;
      writeFileSync(join(proxy, 'nginx.conf'), `${around}\n${named}\n}`);
      const nginx = await start('nginx', ['-c', join(proxy, 'nginx.conf'), '-e', 'stderr'], {
        logFile: join(proxy, 'log'),
        isReady: () => answers(`${url}/v2/`),
      });
      await addUpstream(url, upstream.url);
      await expectPull(url, pulled);
      for (const { program } of started.slice(0, 1)) await program.stop();
      await expectPull(url, pulled, pulled.digest);
      await nginx.stop();
    } finally {
      for (const { program } of started) await program.stop();
      await database.drop();
    }
  },
);
