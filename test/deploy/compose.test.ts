/** The compose files: docker-compose takes them, and what they start is a server that pulls. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { missing, run } from '../e2e/support/processes.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { root, rootToken, startContainer } from './support/container.ts';
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
async function servicesOf(file: string): Promise<Readonly<Record<string, Service>>> {
  const said = await run('docker-compose', ['-f', join(root, 'deploy', file), 'config']);
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
