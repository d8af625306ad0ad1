import { expect, test } from 'vitest';
import { Profiler } from '../../../src/observe/profiler.ts';
import { readVariables } from '../../../src/observe/variables.ts';

const never = new AbortController().signal;

test('a profile of processor time is one that V8 tools open', async () => {
  const profile = JSON.parse((await new Profiler().record('cpu', 20, never)) ?? '');
  expect(profile.nodes[0].callFrame.functionName).toBe('(root)');
  expect(profile.timeDeltas).toHaveLength(profile.samples.length);
  expect(profile.endTime).toBeGreaterThan(profile.startTime);
});

test('a profile of the heap has who allocated what is there', async () => {
  const profile = JSON.parse((await new Profiler().record('heap', 20, never)) ?? '');
  expect(profile.head.callFrame.functionName).toBe('(root)');
  expect(Array.isArray(profile.samples)).toBe(true);
});

test('one is made at a time, and the next when it is done', async () => {
  const profiler = new Profiler();
  const ending = new AbortController();
  const first = profiler.record('cpu', 60_000, ending.signal);
  expect(await profiler.record('heap', 1, never)).toBeUndefined();
  ending.abort();
  expect(await first).toContain('"nodes"');
  expect(await profiler.record('heap', 1, never)).toContain('"head"');
});

test('variables say what the process is and has', () => {
  const variables = JSON.parse(JSON.stringify(readVariables('1.2.3')));
  expect(variables).toMatchObject({
    version: '1.2.3',
    node: process.versions.node,
    pid: process.pid,
    memory: { rss: expect.any(Number) },
    heap: { heap_size_limit: expect.any(Number) },
    event_loop: { utilization: expect.any(Number) },
  });
  expect(Object.keys(variables.handles).length).toBeGreaterThan(0);
});
