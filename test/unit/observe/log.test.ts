import { expect, test } from 'vitest';
import { createLog } from '../../../src/observe/log.ts';

function logged(level: 'info' | 'debug' | 'silent' = 'info') {
  const lines: string[] = [];
  return { lines, log: createLog({ level, destination: { write: (line) => lines.push(line) } }) };
}

function parsed(lines: readonly string[]): Record<string, unknown>[] {
  return lines.map((line) => JSON.parse(line));
}

test('a line is a JSON object with level, time, fields and message', () => {
  const { log, lines } = logged();
  log.warn({ upstream: 'hub', status: 503 }, 'breaker opened');
  expect(lines[0]?.endsWith('\n')).toBe(true);
  expect(parsed(lines)).toEqual([
    {
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      upstream: 'hub',
      status: 503,
      message: 'breaker opened',
    },
  ]);
});

test('what is below the level is not written', () => {
  const { log, lines } = logged();
  log.debug({}, 'quiet');
  log.info({}, 'loud');
  expect(parsed(lines)).toMatchObject([{ level: 'info', message: 'loud' }]);
});

test('a child writes its fields with each line', () => {
  const { log, lines } = logged();
  log.child({ requestId: 'r1', token: 'ent-secret' }).child({ job: 7 }).info({ a: 1 }, 'done');
  expect(parsed(lines)).toMatchObject([{ requestId: 'r1', token: '[hidden]', job: 7, a: 1 }]);
  expect(lines.join()).not.toContain('ent-secret');
});

test('secrets are hidden at whatever depth, and the caller keeps them', () => {
  const { log, lines } = logged();
  const fields = {
    password: 's3cret',
    request: {
      headers: {
        Authorization: 'Bearer s3cret',
        'private-token': 's3cret',
        cookie: ['s3cret'],
        accept: '*/*',
      },
    },
    attempts: [{ token: 's3cret', tokenId: 7 }],
  };
  log.info(fields, 'asked');
  expect(parsed(lines)).toMatchObject([
    {
      password: '[hidden]',
      request: {
        headers: {
          Authorization: '[hidden]',
          'private-token': '[hidden]',
          cookie: '[hidden]',
          accept: '*/*',
        },
      },
      attempts: [{ token: '[hidden]', tokenId: 7 }],
    },
  ]);
  expect(lines.join()).not.toContain('s3cret');
  expect(fields.password).toBe('s3cret');
  expect(fields.request.headers.Authorization).toBe('Bearer s3cret');
});

test.each([
  ['url', 'https://cdn.example.com/blob?X-Signature=s3cret', 'https://cdn.example.com/blob?[hidden]'],
  [
    'url',
    new URL('https://cdn.example.com/blob?X-Signature=s3cret'),
    'https://cdn.example.com/blob?[hidden]',
  ],
  ['location', '/blob?sig=s3cret', '/blob?[hidden]'],
  ['upstreamUrl', 'https://user:s3cret@example.com/v2', 'https://example.com/v2'],
  ['url', 'https://example.com/v2/', 'https://example.com/v2/'],
])('%s %s is written without what signs it', (name, url, shown) => {
  const { log, lines } = logged();
  log.info({ [name]: url }, 'redirected');
  expect(parsed(lines)).toMatchObject([{ [name]: shown }]);
  expect(lines.join()).not.toContain('s3cret');
});

test('an error is written with its stack and its causes, a date as its instant', () => {
  const { log, lines } = logged();
  log.error({ err: new Error('outer', { cause: new Error('inner') }), at: new Date(0) }, 'failed');
  const [line] = parsed(lines);
  expect(line).toMatchObject({
    at: '1970-01-01T00:00:00.000Z',
    err: { type: 'Error', message: 'outer: inner' },
  });
  expect(JSON.stringify(line)).toContain('log.test.ts');
});

test('fields that refer to themselves do no harm', () => {
  const { log, lines } = logged();
  const loop: Record<string, unknown> = {};
  loop['self'] = loop;
  log.info({ loop }, 'round');
  expect(lines).toHaveLength(1);
});

test('flushing without a batch is done at once', async () => {
  const { log } = logged();
  await expect(log.flush()).resolves.toBeUndefined();
});
