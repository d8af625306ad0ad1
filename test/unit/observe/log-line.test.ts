import { describe, expect, test } from 'vitest';
import { createLog } from '../../../src/observe/log.ts';
import { findPretty, withoutControls } from '../../../src/observe/log-line.ts';

function lineOf(fields: object): string {
  return `${JSON.stringify({ level: 'info', time: '2026-01-02T03:04:05.678Z', ...fields })}\n`;
}

async function prettyOf(fields: object): Promise<string | undefined> {
  return (await findPretty('pretty', false))?.(lineOf(fields));
}

describe('a line for people', () => {
  test('is written where people look, or where it is asked for', async () => {
    expect(await findPretty('auto', false)).toBeUndefined();
    expect(await findPretty('json', true)).toBeUndefined();
    expect(await findPretty('auto', true)).toBeDefined();
    expect(await findPretty('pretty', false)).toBeDefined();
  });

  test('says time, level, message and fields', async () => {
    expect(await prettyOf({ upstream: 'hub', tries: 3, message: 'breaker opened' })).toBe(
      '[03:04:05.678] INFO: breaker opened {"upstream":"hub","tries":3}\n',
    );
  });

  test('of a request that went well is short, and of another leads to all that was said of it', async () => {
    const request = {
      message: 'request',
      requestId: 'r1',
      method: 'GET',
      path: '/v2/',
      status: 200,
      ms: 1.2,
    };
    expect(await prettyOf(request)).toBe('[03:04:05.678] INFO: GET /v2/ 200 {"ms":1.2}\n');
    expect(await prettyOf({ ...request, level: 'warn', status: 503 })).toBe(
      '[03:04:05.678] WARN: GET /v2/ 503 {"ms":1.2,"requestId":"r1"}\n',
    );
  });

  test('has the stack of an error below it', async () => {
    const err = { type: 'TypeError', message: 'no', stack: 'TypeError: no\n    at f (a.ts:1)' };
    expect(await prettyOf({ level: 'error', err, message: 'failed' })).toMatch(
      /ERROR: failed.*\n.*TypeError: no\n +at f/s,
    );
  });
});

const hostile = 'a\x1b[2Jb\x9b31mc\u202ed\x07e\nINFO f\u2028g\u{e0001}';

test.each(['json', 'pretty'] as const)(
  'what comes from outside cannot steer a terminal: %s',
  async (format) => {
    const lines: string[] = [];
    const pretty = await findPretty(format, true);
    const log = createLog({ level: 'info', pretty, destination: { write: (line) => lines.push(line) } });
    log.info({ [hostile]: hostile, nested: { path: [hostile] } }, hostile);
    log.error({ err: new Error(hostile) }, 'failed');
    const written = lines
      .join('')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours
      .replace(/\x1b\[\d\dm/g, '');
    expect(written).not.toMatch(/[^\P{C}\n]/u);
    expect(written).not.toMatch(/^INFO f/m);
    if (format === 'json')
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({ [hostile]: hostile, message: hostile });
  },
);

test('a text keeps its lines', () => {
  expect(withoutControls('a\nb\x1bc')).toBe('a\nb\\u001bc');
});
