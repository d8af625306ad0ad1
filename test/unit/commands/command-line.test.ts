import { describe, expect, test } from 'vitest';
import { parseCollectRequest } from '../../../src/commands/collect.ts';
import { UsageError } from '../../../src/commands/command.ts';
import { parseCommand } from '../../../src/commands/command-line.ts';
import { parseDelayMs } from '../../../src/commands/keys.ts';
import { parseTokenRequest } from '../../../src/commands/token.ts';

describe('the command line', () => {
  test('without a command it serves', async () => {
    expect(await parseCommand([])).toEqual({ name: 'serve', configFile: undefined, run: undefined });
    expect(await parseCommand(['--config', 'a.yaml'])).toMatchObject({ name: 'serve', configFile: 'a.yaml' });
  });

  test.each([
    'serve',
    'config',
    'migrate',
    'keys list',
    'keys rotate',
    'gc',
    'storage check',
    'storage adopt',
    'storage migrate --to=s3 --dry-run --bytes-per-second=50MiB',
    'backup a.tar',
    'restore a.tar',
    'setup docker',
    'setup gitlab-ci --registry=2',
    'token create --user=root',
  ])('%s takes a file of settings', async (text) => {
    const command = await parseCommand([...text.split(' '), '--config=a.yaml']);
    expect(command.configFile).toBe('a.yaml');
    expect(text.startsWith(command.name)).toBe(true);
    expect(command.run !== undefined).toBe(!['serve', 'config'].includes(text));
  });

  test.each([
    [['setup'], 'setup needs one client'],
    [['setup', 'docker', 'podman'], 'setup needs one client'],
    [['setup', 'rkt'], "'rkt' is none of docker, dockerd, containerd"],
    [['setup', 'docker', '--registry', 'x'], "--registry: 'x' is no number of a virtual registry"],
    [['gc', '--registry', '1'], '--registry belongs to setup'],
    [['gc', '--to', 's3'], '--to belongs to storage migrate'],
    [['storage', 'check', '--dry-run'], '--dry-run belongs to gc'],
    [['storage', 'migrate', '--bytes-per-second', '5 a day'], "'5 a day' is no number of bytes"],
  ])('%j is no set-up of a client', async (args, message) => {
    await expect(parseCommand(args)).rejects.toThrow(UsageError);
    await expect(parseCommand(args)).rejects.toThrow(message);
  });

  test.each([[['version']], [['--version']]])('%j asks for the version', async (args) => {
    expect(await parseCommand(args)).toMatchObject({ name: 'version' });
  });

  test.each([[['help']], [['--help']], [['token', 'create', '-h']]])('%j asks for help', async (args) => {
    expect(await parseCommand(args)).toMatchObject({ name: 'help' });
  });

  test('gc collects what is due, everywhere, unless said otherwise', () => {
    expect(parseCollectRequest({})).toEqual({
      dryRun: false,
      now: false,
      deleteUntagged: false,
      repository: undefined,
    });
    const given = { 'dry-run': true, now: true, 'delete-untagged': true, repository: 'acme/shop' };
    expect(parseCollectRequest(given)).toEqual({
      dryRun: true,
      now: true,
      deleteUntagged: true,
      repository: 'acme/shop',
    });
  });

  test('a token is for the API and never expires, unless said otherwise', () => {
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
    [['serv']],
    [['serve', 'now']],
    [['token']],
    [['token', 'create']],
    [['token', 'create', '--user', 'root', '--expires', '2027-02-29']],
    [['token', 'create', '--user', 'root', '--scopes', 'everything']],
    [['--port', '5000']],
    [['--config']],
    [['config', '--user', 'root']],
    [['keys']],
    [['migrate', '--dry-run']],
    [['backup']],
    [['restore', 'a.tar', 'b.tar']],
    [['keys', 'list', '--in=1h']],
    [['keys', 'rotate', '--user=root']],
    [['keys', 'rotate', '--in=soon']],
    [['keys', 'rotate', '--in=31d']],
  ])('%j is refused', async (args) => {
    await expect(parseCommand(args)).rejects.toThrow(UsageError);
  });

  test.each([
    [['srve'], 'no such command: srve; did you mean serve?'],
    [['tokn', 'create', '--user', 'root'], 'no such command: tokn create; did you mean token create?'],
    [['bakup', 'a.tar'], 'no such command: bakup a.tar; did you mean backup?'],
    [['keys'], 'keys is half a command: keys list, keys rotate'],
    [['serve', 'now'], "serve takes no 'now'"],
    [['teapot'], 'no such command: teapot'],
    [['gc', '--dry-rn'], 'no such option: --dry-rn; did you mean --dry-run?'],
    [['-x'], 'no such option: -x'],
    [['config', '--user', 'root'], '--user belongs to token create'],
    [['backup'], 'backup needs one file'],
    [['--config'], "Option '--config <value>' argument missing"],
  ])('%j is told in one line', async (args, message) => {
    await expect(parseCommand(args)).rejects.toThrow(new UsageError(message));
  });
});
