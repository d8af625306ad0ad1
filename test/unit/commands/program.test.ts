import { describe, expect, test } from 'vitest';
import { parseCollectRequest } from '../../../src/commands/collect.ts';
import { UsageError } from '../../../src/commands/command.ts';
import { parseDelayMs } from '../../../src/commands/keys.ts';
import { parseCommand } from '../../../src/commands/program.ts';
import { parseTokenRequest } from '../../../src/commands/token.ts';

describe('the command line', () => {
  test('without a command it says what it can do', async () => {
    const work = await parseCommand([]);
    expect(work).toMatchObject({ kind: 'print', exitCode: 0 });
    for (const command of ['serve', 'login', 'user', 'upstream', 'image', 'completion'])
      expect(work).toMatchObject({ text: expect.stringMatching(new RegExp(`^  ${command} `, 'm')) });
  });

  test.each(['serve', 'config'])('%s takes a file of settings', async (kind) => {
    expect(await parseCommand([kind])).toEqual({ kind, configFile: undefined });
    expect(await parseCommand([kind, '--config', 'a.yaml'])).toEqual({ kind, configFile: 'a.yaml' });
  });

  test.each([
    'migrate',
    'keys list',
    'keys rotate',
    'gc -m --repository acme/shop',
    'storage check',
    'storage adopt',
    'storage migrate --to=s3 --dry-run --bytes-per-second=50MiB',
    'import --from /var/lib/registry --dry-run',
    'backup a.tar',
    'restore a.tar',
    'setup docker',
    'setup gitlab-ci --registry=2',
    'token create --local --user=root',
    'login --local',
  ])('%s works on this machine, and takes a file of settings', async (text) => {
    const work = await parseCommand([...text.split(' '), '--config=a.yaml']);
    expect(work).toEqual({ kind: 'machine', configFile: 'a.yaml', run: expect.any(Function) });
  });

  test('doctor looks at this machine, whatever is wrong with its configuration', async () => {
    expect(await parseCommand(['doctor', '--json', '--config', 'a.yaml'])).toEqual({
      kind: 'doctor',
      configFile: 'a.yaml',
      asJson: true,
    });
  });

  test.each(['user list', 'token create', 'image explain alpine', 'upstream add 1 https://quay.io'])(
    '%s asks a server, and prints JSON if asked',
    async (text) => {
      expect(await parseCommand(text.split(' '))).toMatchObject({ kind: 'server', asJson: false });
      expect(await parseCommand([...text.split(' '), '--json'])).toMatchObject({
        kind: 'server',
        asJson: true,
      });
    },
  );

  test.each([[['version']], [['--version']]])('%j asks for the version', async (args) => {
    expect(await parseCommand(args)).toMatchObject({ text: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  test.each([[['help']], [['--help']], [['token', 'create', '-h']], [['help', 'token']]])(
    '%j asks for help, and gets it',
    async (args) => {
      const text = expect.stringMatching(/^Usage: entrepot /);
      expect(await parseCommand(args)).toEqual({ kind: 'print', text, exitCode: 0 });
    },
  );

  test('half a command is told its other half, and has failed', async () => {
    const text = expect.stringContaining('rotate');
    expect(await parseCommand(['keys'])).toEqual({ kind: 'print', text, exitCode: 64 });
  });

  test('gc collects what is due, everywhere, unless said otherwise', () => {
    const nothing = { dryRun: false, now: false, deleteUntagged: false, repository: undefined };
    expect(parseCollectRequest({})).toEqual(nothing);
    const all = { dryRun: true, now: true, deleteUntagged: true, repository: 'acme/shop' };
    expect(parseCollectRequest(all)).toEqual(all);
  });

  test('a token of first aid is for the API and never expires, unless said otherwise', () => {
    expect(parseTokenRequest({ user: 'root' })).toEqual({
      username: 'root',
      name: 'command line',
      scopes: ['api'],
      expiresAt: undefined,
    });
    const scopes = 'read_api, read_virtual_registry';
    expect(parseTokenRequest({ user: 'ci', name: 'ci', scopes, expires: '2028-02-29' })).toEqual({
      username: 'ci',
      name: 'ci',
      scopes: ['read_api', 'read_virtual_registry'],
      expiresAt: Date.UTC(2028, 1, 29),
    });
  });

  test.each([
    ['90', 90_000],
    ['15m', 900_000],
    ['1h', 3_600_000],
    ['30d', 30 * 86_400_000],
  ])('the next key signs in %s', (text, inMs) => {
    expect(parseDelayMs(text)).toBe(inMs);
  });

  test.each([
    [['srve'], "unknown command 'srve' (Did you mean serve?)"],
    [['keys', 'rotat'], "unknown command 'rotat' (Did you mean rotate?)"],
    [['serve', 'now'], "too many arguments for 'serve'. Expected 0 arguments but got 1."],
    [['gc', '--dry-rn'], "unknown option '--dry-rn' (Did you mean --dry-run?)"],
    [['-x'], "unknown option '-x'"],
    [['config', '--user', 'root'], "unknown option '--user'"],
    [['backup'], "missing required argument 'file'"],
    [['serve', '--config'], "option '--config <file>' argument missing"],
    [['setup'], "missing required argument 'client'"],
    [['setup', 'rkt'], expect.stringContaining('Allowed choices are docker, dockerd, containerd')],
    [['setup', 'docker', '--registry', 'x'], "--registry: 'x' is no number of a virtual registry"],
    [['token', 'create', '--local', '--expires', '2027-02-29'], expect.stringContaining('is no date')],
    [['token', 'create', '--local', '--scopes', 'everything'], expect.stringContaining('is none of')],
    [['keys', 'rotate', '--in=soon'], expect.stringContaining('is no duration')],
    [['keys', 'rotate', '--in=31d'], expect.stringContaining('is no duration')],
    [['storage', 'check', '--dry-run'], "unknown option '--dry-run'"],
    [
      ['storage', 'migrate', '--bytes-per-second', '5 a day'],
      expect.stringContaining('is no number of bytes'),
    ],
    [['login'], expect.stringContaining('needs the URL')],
    [['login', 'http://'], expect.stringContaining('is no URL')],
  ])('%j is told in one line', async (args, message) => {
    const error = await parseCommand(args).catch((refused: unknown) => refused);
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ message });
    expect(error).toMatchObject({ message: expect.not.stringContaining('\n') });
  });
});
