import { describe, expect, test } from 'vitest';
import { parseCommand, UsageError } from '../../../src/commands/command-line.ts';

describe('the command line', () => {
  test('without a command it serves', () => {
    expect(parseCommand([])).toEqual({ name: 'serve', configFile: undefined });
    expect(parseCommand(['--config', 'a.yaml'])).toEqual({ name: 'serve', configFile: 'a.yaml' });
  });

  test.each(['serve', 'config', 'migrate', 'keys list'] as const)('%s takes a file of settings', (name) => {
    expect(parseCommand([...name.split(' '), '--config=a.yaml'])).toEqual({ name, configFile: 'a.yaml' });
  });

  test('gc collects what is due, everywhere, unless said otherwise', () => {
    const plain = { dryRun: false, now: false, deleteUntagged: false, repository: undefined };
    expect(parseCommand(['gc'])).toEqual({ name: 'gc', configFile: undefined, request: plain });
    expect(parseCommand(['gc', '--dry-run', '--now', '--repository', 'acme/shop'])).toMatchObject({
      request: { dryRun: true, now: true, repository: 'acme/shop' },
    });
    expect(() => parseCommand(['migrate', '--dry-run'])).toThrow(UsageError);
  });

  test.each([[['version']], [['--version']]])('%j asks for the version', (args) => {
    expect(parseCommand(args)).toEqual({ name: 'version' });
  });

  test.each([[['help']], [['--help']], [['token', 'create', '-h']]])('%j asks for help', (args) => {
    expect(parseCommand(args)).toEqual({ name: 'help' });
  });

  test('a token is for the API and never expires, unless said otherwise', () => {
    expect(parseCommand(['token', 'create', '--user', 'root'])).toEqual({
      name: 'token create',
      configFile: undefined,
      token: { username: 'root', name: 'command line', scopes: ['api'], expiresAt: undefined },
    });
    const given = [
      '--user=ci',
      '--name=ci',
      '--scopes',
      'read_api, read_virtual_registry',
      '--expires',
      '2028-02-29',
    ];
    expect(parseCommand(['token', 'create', ...given])).toMatchObject({
      token: {
        username: 'ci',
        name: 'ci',
        scopes: ['read_api', 'read_virtual_registry'],
        expiresAt: Date.UTC(2028, 1, 29),
      },
    });
  });

  test.each([
    [[], undefined],
    [['--in', '90'], 90_000],
    [['--in=15m'], 900_000],
    [['--in=1h'], 3_600_000],
    [['--in=30d'], 30 * 86_400_000],
  ])('keys rotate %j', (args, inMs) => {
    expect(parseCommand(['keys', 'rotate', ...args])).toEqual({
      name: 'keys rotate',
      configFile: undefined,
      inMs,
    });
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
    [['keys', 'list', '--in=1h']],
    [['keys', 'rotate', '--user=root']],
    [['keys', 'rotate', '--in=soon']],
    [['keys', 'rotate', '--in=31d']],
  ])('%j is refused', (args) => {
    expect(() => parseCommand(args)).toThrow(UsageError);
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
    [['--config'], "Option '--config <value>' argument missing"],
  ])('%j is told in one line', (args, message) => {
    expect(() => parseCommand(args)).toThrow(new UsageError(message));
  });
});
