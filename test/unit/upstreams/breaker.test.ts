import { beforeEach, expect, test } from 'vitest';
import { Breaker } from '../../../src/upstreams/breaker.ts';
import type { BreakerState } from '../../../src/upstreams/upstream.ts';

let now: number;
let changes: BreakerState[];
let breaker: Breaker;

beforeEach(() => {
  now = 1_000_000;
  changes = [];
  breaker = new Breaker({
    failures: 3,
    openMs: 30_000,
    now: () => now,
    onChange: (state) => changes.push(state),
  });
});

function enter(): number {
  const ticket = breaker.enter();
  if (ticket === undefined) throw new Error('not let through');
  return ticket;
}

function open(): void {
  for (let n = 0; n < 3; n++) breaker.failed(enter());
}

test('it opens after so many failures in a row, and lets nothing through until its time is over', () => {
  open();
  expect(breaker.state).toBe('open');
  expect(breaker.openUntil).toBe(now + 30_000);
  now += 29_999;
  expect(breaker.enter()).toBeUndefined();
  now += 1;
  expect(breaker.enter()).toBeDefined();
});

test('a success ends the row', () => {
  breaker.failed(enter());
  breaker.failed(enter());
  breaker.succeeded(enter());
  breaker.failed(enter());
  breaker.failed(enter());
  expect(breaker.state).toBe('closed');
});

test('half-open it lets one request through, whose success closes it', () => {
  open();
  now += 30_000;
  const ticket = enter();
  expect(breaker.state).toBe('half-open');
  expect(breaker.enter()).toBeUndefined();
  breaker.succeeded(ticket);
  expect(breaker.state).toBe('closed');
  expect(changes).toEqual(['open', 'half-open', 'closed']);
  expect(breaker.openUntil).toBeUndefined();
});

test('closed again, it counts from the beginning', () => {
  open();
  now += 30_000;
  breaker.succeeded(enter());
  breaker.failed(enter());
  breaker.failed(enter());
  expect(breaker.state).toBe('closed');
  breaker.failed(enter());
  expect(breaker.state).toBe('open');
});

test('a request that was given up while it is closed changes nothing', () => {
  breaker.abandoned(enter());
  expect([breaker.state, changes]).toEqual(['closed', []]);
});

test('half-open, a refusal opens it again', () => {
  open();
  now += 30_000;
  enter();
  breaker.refused(5000);
  expect([breaker.state, breaker.openUntil]).toEqual(['open', now + 5000]);
});

test('half-open, one failure opens it again for the whole time', () => {
  open();
  now += 30_000;
  breaker.failed(enter());
  expect(breaker.openUntil).toBe(now + 30_000);
});

test('half-open, one failure opens it again, whatever had opened it', () => {
  breaker.refused(1000);
  now += 1000;
  breaker.failed(enter());
  expect(breaker.openUntil).toBe(now + 30_000);
});

test('half-open, a request that was given up lets the next one try', () => {
  open();
  now += 30_000;
  breaker.abandoned(enter());
  expect(breaker.enter()).toBeDefined();
});

test('what started before the last change says nothing any more', () => {
  const [early, other] = [enter(), enter()];
  open();
  breaker.succeeded(early);
  breaker.failed(other);
  expect(breaker.state).toBe('open');
  now += 30_000;
  enter();
  breaker.succeeded(early);
  breaker.failed(early);
  breaker.abandoned(early);
  expect(breaker.state).toBe('half-open');
});

test('a refusal opens it at once, for as long as was asked, and a longer one counts', () => {
  enter();
  breaker.refused(120_000);
  expect(breaker.openUntil).toBe(now + 120_000);
  breaker.refused(60_000);
  expect(breaker.openUntil).toBe(now + 120_000);
  breaker.refused(180_000);
  expect(breaker.openUntil).toBe(now + 180_000);
  expect(changes).toEqual(['open']);
});

test('a refusal that names no time holds for the usual one', () => {
  breaker.refused();
  expect(breaker.openUntil).toBe(now + 30_000);
});
