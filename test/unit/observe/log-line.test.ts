import { describe, expect, test } from 'vitest';
import { createLog } from '../../../src/observe/log.ts';
import { asText, withoutControls } from '../../../src/observe/log-line.ts';

function lineOf(fields: object): string {
  return `${JSON.stringify({ level: 'info', time: '2026-01-02T03:04:05.678Z', ...fields })}\n`;
}

/** As where there are no colours. */
function textOf(fields: object): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what colours are made of
  return asText(lineOf(fields)).replace(/\x1b\[\d+m/g, '');
}

describe('a line for people', () => {
  test('says time, level, message and fields', () => {
    expect(textOf({ upstream: 'hub', tries: 3, why: 'no answer', message: 'breaker opened' })).toBe(
      '03:04:05.678Z INFO  breaker opened upstream=hub tries=3 why="no answer"\n',
    );
  });

  test('of a request that went well is short, and of another leads to all that was said of it', () => {
    const request = {
      message: 'request',
      requestId: 'r1',
      method: 'GET',
      path: '/v2/',
      status: 200,
      ms: 1.2,
    };
    expect(textOf(request)).toBe('03:04:05.678Z INFO  GET /v2/ 200 ms=1.2\n');
    expect(textOf({ ...request, level: 'warn', status: 503 })).toBe(
      '03:04:05.678Z WARN  GET /v2/ 503 ms=1.2 requestId=r1\n',
    );
  });

  test('has the stack of an error below it, or what it says where it has none', () => {
    const err = { type: 'TypeError', message: 'no', stack: 'TypeError: no\n    at f (a.ts:1)' };
    expect(textOf({ level: 'error', err, message: 'failed' })).toBe(
      '03:04:05.678Z ERROR failed\n    TypeError: no\n        at f (a.ts:1)\n',
    );
    expect(textOf({ level: 'warn', err: { type: 'UnavailableError', message: 'full' }, message: 'x' })).toBe(
      '03:04:05.678Z WARN  x\n    UnavailableError: full\n',
    );
  });
});

const hostile = 'a\x1b[2Jb\x9b31mc\u202ed\x07e\nINFO f\u2028g\u{e0001}';

test.each(['json', 'text'] as const)('what comes from outside cannot steer a terminal: %s', (format) => {
  const lines: string[] = [];
  const log = createLog({ level: 'info', format, destination: { write: (line) => lines.push(line) } });
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
});

test('a text keeps its lines', () => {
  expect(withoutControls('a\nb\x1bc')).toBe('a\nb\\u001bc');
});
