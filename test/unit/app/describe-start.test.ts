import { describe, expect, test } from 'vitest';
import { describeFirstStart, describeStart } from '../../../src/app/describe-start.ts';

const image = 'virtual_registries/container/1/library/alpine';

describe('the first start', () => {
  test('shows the token, and the commands to log in and to pull', () => {
    const text = describeFirstStart(
      { username: 'root', token: 'ent-abc', password: 'a-password', registryId: 1 },
      '127.0.0.1:5000',
    );
    expect(text).toContain('\n  ent-abc\n');
    expect(text).toContain('\n  a-password\n');
    expect(text).toContain('\n  docker login 127.0.0.1:5000 -u root -p ent-abc\n');
    expect(text).toContain(`\n  docker pull 127.0.0.1:5000/${image}\n`);
  });

  test('shows no token that the operator chose', () => {
    const text = describeFirstStart(
      { username: 'root', token: undefined, password: undefined, registryId: 3 },
      'registry.example.com',
    );
    expect(text).toContain('\n  docker login registry.example.com -u root\n');
    expect(text).toContain('ENTREPOT_ROOT_TOKEN');
    expect(text).not.toContain('password');
    expect(text).toContain('registry.example.com/virtual_registries/container/3/');
  });

  test.each(['0.0.0.0:5000', '[::]:5000', ':5000'])(
    'a client on this machine reaches %s by loopback',
    (address) => {
      const text = describeFirstStart(
        { username: 'root', token: 'ent-abc', password: 'a-password', registryId: 1 },
        address,
      );
      expect(text).toContain(`docker pull 127.0.0.1:5000/${image}`);
    },
  );
});

test('every start in a terminal is told in five lines', () => {
  expect(describeStart('/data', 'http://0.0.0.0:5000')).toBe(
    [
      'Listens  http://0.0.0.0:5000',
      'Page     http://127.0.0.1:5000/',
      'Log in   docker login 127.0.0.1:5000 -u root',
      `Pull     docker pull 127.0.0.1:5000/${image}`,
      'Data     /data',
      '',
    ].join('\n'),
  );
});
