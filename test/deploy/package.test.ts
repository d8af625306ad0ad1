/** The package: installed into an empty folder, without git and without a checkout, it is a server that pulls. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answers, run, start } from '../e2e/support/processes.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { freePort } from '../support/free-port.ts';
import { root, rootToken } from './support/container.ts';
import { addImage, addUpstream, expectPull } from './support/pulling.ts';

const directory = mkdtempSync(join(tmpdir(), 'entrepot-package-'));
const folder = join(directory, 'package');
const home = join(directory, 'home');
/** Our Node, and no other. */
const env = { PATH: [dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter), HOME: home };
const installMs = 300_000;

beforeAll(async () => {
  mkdirSync(home);
  await run('npm', ['run', 'build:ui'], { cwd: root, env, timeoutMs: installMs });
  await run(process.execPath, ['tools/package.ts', folder], { cwd: root, env });
}, 2 * installMs);
afterAll(() => rmSync(directory, { recursive: true }));

/** Of which anybody may make what they like, as long as it is said where it is from. */
const allowed = new Set([
  ...['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0', 'Unlicense'],
  '(MIT OR CC0-1.0)',
]);

test('everything that is shipped is licensed by terms that let us', () => {
  const lines = readFileSync(join(folder, 'LICENCES.txt'), 'utf8').trim().split('\n');
  expect(lines.length).toBeGreaterThan(50);
  expect(lines.filter((line) => !allowed.has(line.slice(line.lastIndexOf(': ') + 2)))).toEqual([]);
});

interface Sbom {
  readonly bomFormat: string;
  readonly components: readonly { readonly name: string; readonly version: string; readonly purl?: string }[];
}

test('the bill of materials has each dependency with its version, and none that is for development', () => {
  const sbom: Sbom = JSON.parse(readFileSync(join(folder, 'sbom.cdx.json'), 'utf8'));
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  expect(sbom.bomFormat).toBe('CycloneDX');
  const names = sbom.components.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(Object.keys(dependencies)));
  expect(names).not.toContain('vitest');
  for (const { purl } of sbom.components) expect(purl).toMatch(/^pkg:npm\//);
});

test('it is small, and has neither tests nor TypeScript', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  expect(files.filter((file) => file.endsWith('.ts') || file.startsWith('test'))).toEqual([]);
  expect(files).toContain('ui/dist/index.html');
});

test('installed into an empty folder it serves a cached pull', { timeout: 3 * installMs }, async () => {
  await run('npm', ['pack', '--silent', folder], { cwd: directory, env });
  const [archive = ''] = readdirSync(directory).filter((file) => file.endsWith('.tgz'));
  const empty = join(directory, 'empty');
  mkdirSync(empty);
  writeFileSync(join(empty, 'package.json'), '{ "private": true }');
  const install = ['install', '--no-audit', '--no-fund', join(directory, archive)];
  await run('npm', install, { cwd: empty, env, timeoutMs: installMs });
  const version = await run('npx', ['--no-install', 'entrepot', 'version'], { cwd: empty, env });
  expect(version).toBe(`${JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version}\n`);

  await using upstream = await new FakeRegistry().start();
  const pulled = addImage(upstream);
  const url = `http://127.0.0.1:${await freePort()}`;
  const program = await start(join(empty, 'node_modules/.bin/entrepot'), ['serve'], {
    cwd: empty,
    env: {
      ...env,
      ENTREPOT_HTTP__ADDRESS: new URL(url).host,
      ENTREPOT_OPERATIONS__ADDRESS: '',
      ENTREPOT_ROOT_TOKEN: rootToken,
      ENTREPOT_UPSTREAMS__ALLOWED_NETWORKS: '127.0.0.0/8',
    },
    logFile: join(directory, 'log'),
    isReady: () => answers(`${url}/v2/`),
  });
  await addUpstream(url, upstream.url);
  await expectPull(url, pulled);
  const page = await fetch(url, { headers: { accept: 'text/html' } });
  expect(page.headers.get('content-type')).toMatch('text/html');
  await upstream.stop();
  await expectPull(url, pulled, pulled.digest);
  await program.stop();
});
