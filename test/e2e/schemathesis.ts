/**
 * Schemathesis makes up calls from the served API document, good and bad ones and sequences of them, and looks whether the answers are
 * as the document says. Exits 1 where one is not, or is a 5xx. On SQLite, and on PostgreSQL where TEST_POSTGRES_URL names one.
 *
 *   node test/e2e/schemathesis.ts [--seconds 150] [--seed 1] [--venv DIRECTORY] [--allow-missing]
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fakeImage, seededBlob } from '../support/fake-content.ts';
import { createDatabase } from '../support/postgres-database.ts';
import { Entrepot, rootToken } from './support/entrepot.ts';
import { missing, run } from './support/processes.ts';
import { PushClient } from './support/pushing.ts';
import { runThrough } from './support/run-through.ts';

/** Its checks and options differ between versions. */
const schemathesisVersion = '4.32.5';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '150' },
    seed: { type: 'string', default: '1' },
    venv: { type: 'string' },
    'allow-missing': { type: 'boolean', default: false },
  },
});

/**
 * What is looked at in each answer. Not that bad input is refused and good input taken: GitLab's clients send texts for numbers, and
 * whether an id is anybody's is more than a schema can say. Nor that all other methods are 405: as at GitLab, `members/all` is
 * `members/:user_id` to those that it has not.
 */
const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'ignored_auth',
  'use_after_free',
];

/** They end the token that is asked with, or all changes: asked for on their own, last. */
const suicidal = [
  'deletePersonalAccessTokensSelf',
  'postPersonalAccessTokensSelfRotate',
  'deletePersonalAccessTokensId',
  'postPersonalAccessTokensIdRotate',
  'putApplicationSettings',
];

const secretKey = randomBytes(32).toString('hex');
/** For the endpoint that {@link seed} makes. */
const localHooks = { ENTREPOT_WEBHOOKS__ALLOWED_NETWORKS: '127.0.0.0/8' };
const seconds = Number(values.seconds);
const directory = mkdtempSync(join(tmpdir(), 'entrepot-schemathesis-'));
let failures = 0;
let passes = 0;
try {
  const program = await findSchemathesis();
  if (program) {
    const postgresUrl = process.env['TEST_POSTGRES_URL'] || undefined;
    if (!postgresUrl) console.log('skipped on PostgreSQL: TEST_POSTGRES_URL is not set');
    await testOn('SQLite', program, undefined, postgresUrl ? seconds / 2 : seconds);
    if (postgresUrl) {
      const database = await createDatabase(postgresUrl);
      try {
        await testOn('PostgreSQL', program, database.url, seconds / 2);
      } finally {
        await database.drop();
      }
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
console.log(`\nschemathesis: ${passes} passed, ${failures} failed`);
process.exitCode = failures > 0 ? 1 : 0;

/** Undefined where it cannot be had. */
async function findSchemathesis(): Promise<string | undefined> {
  const venv = values.venv ?? join(directory, 'venv');
  const program = join(venv, 'bin/schemathesis');
  try {
    const absent = await missing('python3');
    if (absent.length > 0) throw new Error(`${absent} is not installed`);
    if (!(await isThere(program))) {
      await run('python3', ['-m', 'venv', venv]);
      const options = ['--quiet', '--disable-pip-version-check', '--only-binary', ':all:'];
      const args = ['install', ...options, `schemathesis==${schemathesisVersion}`];
      await run(join(venv, 'bin/pip'), args, { timeoutMs: 240_000 });
    }
    return program;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    console.log(`skipped all of it: schemathesis ${schemathesisVersion} cannot be had: ${reason}`);
    if (!values['allow-missing']) failures += 1;
    return undefined;
  }
}

function isThere(program: string): Promise<boolean> {
  return run(program, ['--version']).then(
    () => true,
    () => false,
  );
}

async function testOn(
  name: string,
  program: string,
  databaseUrl: string | undefined,
  budget: number,
): Promise<void> {
  const database =
    databaseUrl === undefined ? {} : { ENTREPOT_DATABASE__URL: databaseUrl, ENTREPOT_SECRET_KEY: secretKey };
  await using server = await Entrepot.start({
    directory: join(directory, name),
    env: { ...localHooks, ...database },
  });
  await seed(server);
  const api = [`http://${server.host}/api/v4/openapi.json`];
  const common = [
    '--checks',
    checks.join(','),
    '--header',
    `PRIVATE-TOKEN: ${rootToken}`,
    '--seed',
    values.seed,
    '--generation-allow-x00',
    'true',
    '--generation-database',
    'none',
    '--request-timeout',
    '30',
    '--warnings',
    'off',
    '--no-color',
  ];
  const few = suicidal.flatMap((id) => ['--include-operation-id', id]);
  const others = suicidal.flatMap((id) => ['--exclude-operation-id', id]);
  for (const [title, args, share] of [
    ['', others, 0.9],
    [', operations that end a token', few, 0.1],
  ] as const) {
    // Who is nobody any more is told 401, whatever is asked.
    await server.rest('GET', '/user');
    console.log(`\n--- ${name}${title}`);
    const limit = String(Math.max(1, Math.floor(budget * share)));
    const status = await runThrough(program, ['run', ...api, ...common, ...args, '--max-time', limit], {
      cwd: directory,
      env: { SCHEMATHESIS_HOOKS: 'schemathesis_hooks', PYTHONPATH: join(import.meta.dirname, 'support') },
      timeoutMs: (budget + 60) * 1000,
    });
    console.log(await countAnswers(server));
    if (status === 0) passes += 1;
    else failures += 1;
  }
}

/** Enough that made-up ids lead somewhere, and nothing that leads out of this machine. */
async function seed(server: Entrepot): Promise<void> {
  await server.setUpstreams(1, [{ url: 'http://127.0.0.1:9', name: 'nobody' }]);
  await server.createProject('acme/shop');
  await server.createProject('acme/site');
  await server.createUser('dana', ['api'], { acme: 30 });
  const project = '/projects/acme%2Fshop';
  await server.rest('POST', `${project}/deploy_tokens`, { name: 'pulls', scopes: ['read_registry'] });
  await server.rest('POST', `${project}/access_tokens`, { name: 'ci', scopes: ['read_registry'] });
  await server.rest('POST', `${project}/job_tokens`, { name: 'build' });
  await server.rest('POST', '/groups/acme/access_tokens', { name: 'ci', scopes: ['read_registry'] });
  await server.rest('POST', `${project}/hooks`, { url: 'http://127.0.0.1:9/', name: 'nobody' });
  const protection = `${project}/registry/protection`;
  const rule = { minimum_access_level_for_push: 'maintainer', minimum_access_level_for_delete: 'owner' };
  await server.rest('POST', `${protection}/repository/rules`, {
    repository_path_pattern: 'acme/shop/db*',
    ...rule,
  });
  await server.rest('POST', `${protection}/tag/rules`, { tag_name_pattern: '^v', ...rule });
  for (const name of ['web', 'api', 'db']) await pushImages(server, `acme/shop/${name}`, ['1', '2', 'v3']);
}

async function pushImages(server: Entrepot, repository: string, tags: readonly string[]): Promise<void> {
  const client = new PushClient(`http://${server.host}/v2/${repository}`, server.authorization);
  for (const tag of tags) {
    const image = fakeImage({ layers: [seededBlob(1000, tags.indexOf(tag))], architecture: tag });
    const blobs = image.config ? [image.config, ...image.layers] : image.layers;
    for (const blob of blobs) await client.blob(blob, 'one PUT');
    if (!(await client.manifest(image, tag))) throw new Error(`not pushed: ${repository}:${tag}`);
  }
}

/** So far, by the first digit of their status. */
async function countAnswers({ operationsHost }: Entrepot): Promise<string> {
  const metrics = await (await fetch(`http://${operationsHost}/metrics`)).text();
  const counts: Record<string, number> = {};
  for (const [, digit, count] of metrics.matchAll(
    /^entrepot_requests_total\{.*status="(\d)\d\d"\} (\d+)/gm,
  )) {
    const kind = `${digit}xx`;
    counts[kind] = (counts[kind] ?? 0) + Number(count);
  }
  return `answers so far: ${Object.entries(counts)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(', ')}`;
}
