/** The compose files: docker-compose takes them, and what they start is a server that pulls. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { answers, missing, type RunningProgram, run, start } from '../e2e/support/processes.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { freePort } from '../support/free-port.ts';
import { createDatabase } from '../support/postgres-database.ts';
import { root, rootToken, type StartedContainer, startContainer } from './support/container.ts';
import { nginxAround } from './support/nginx.ts';
import { addImage, addUpstream, expectPull } from './support/pulling.ts';
import { findBucketServer } from './support/tools.ts';

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
const bucketServer = await findBucketServer();
const without = [
  ...absent,
  ...(await missing('nginx')),
  ...('missing' in bucketServer ? [bucketServer.missing] : []),
];
if (without.length > 0) console.log(`replicas are not started: ${without.join(', ')}`);
const missingServers = serverUrl === undefined || redis === undefined;
if (missingServers)
  console.log('replicas are not started: TEST_POSTGRES_URL and TEST_REDIS_URL name no servers');

interface StartedBucket {
  readonly url: string;
  readonly program: RunningProgram;
}

/** As the service `s3` would run, with the folder where its volume would be. */
async function startBucket(service: Service | undefined, directory: string): Promise<StartedBucket> {
  const { services } = parse(readFileSync(join(root, 'deploy/compose.cluster.yaml'), 'utf8'));
  const [, bucket = ''] = services.s3.volumes[0].split(':');
  mkdirSync(join(directory, bucket), { recursive: true });
  const url = `http://127.0.0.1:${await freePort()}`;
  const args = (service?.command ?? []).map((each) => (each.startsWith('/') ? join(directory, each) : each));
  const program = await start('path' in bucketServer ? bucketServer.path : '', args, {
    env: { ...service?.environment, VGW_PORT: new URL(url).host },
    logFile: join(directory, 'log'),
    isReady: () => answers(url),
  });
  return { url, program };
}

testWithCompose('replicas are not started without the secrets that they need', async () => {
  const given: Record<string, string> = {};
  for (const name of ['ENTREPOT_SECRET_KEY', 'POSTGRES_PASSWORD', 'S3_SECRET_KEY']) {
    await expect(servicesOf('compose.cluster.yaml', given)).rejects.toThrow(name);
    given[name] = 'x';
  }
  await servicesOf('compose.cluster.yaml', given);
});

test.skipIf(without.length > 0 || missingServers)(
  'what compose.cluster.yaml starts is two replicas behind nginx on one bucket, of which one may stop',
  async () => {
    await using upstream = await new FakeRegistry().start();
    const pulled = addImage(upstream);
    const database = await createDatabase(serverUrl ?? '');
    const key = Buffer.alloc(32, 7).toString('base64');
    const services = await servicesOf('compose.cluster.yaml', {
      ENTREPOT_SECRET_KEY: key,
      POSTGRES_PASSWORD: 'p',
      S3_SECRET_KEY: 'a-secret-key',
    });
    const replicas = ['entrepot-1', 'entrepot-2'];
    const home = join(directory, 'cluster');
    const started: StartedContainer[] = [];
    let s3: StartedBucket | undefined;
    try {
      s3 = await startBucket(services['s3'], join(home, 's3'));
      for (const name of replicas) {
        const env = {
          ...services[name]?.environment,
          // Other names and places of what the file names, as they are here.
          ENTREPOT_DATABASE__URL: database.url,
          ENTREPOT_SHARED_CACHE__URL: redis ?? '',
          ENTREPOT_STORAGE__S3__REGION_ENDPOINT: s3.url,
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
      writeFileSync(join(proxy, 'nginx.conf'), nginxAround(proxy, named));
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
      await s3?.program.stop(1000);
      await database.drop();
    }
  },
);
