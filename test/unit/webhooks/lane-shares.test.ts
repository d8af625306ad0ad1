import { expect, test } from 'vitest';
import { LaneShares, type RunningLane } from '../../../src/webhooks/lane-shares.ts';

/** Starts as many lanes of these endpoints as may run; of each endpoint in turn. */
function fill(shares: LaneShares, lanes: readonly { webhookId: number; projectId: number | undefined }[]) {
  const running: RunningLane[] = [];
  for (const lane of lanes) if (shares.allows(lane)) running.push(shares.start(lane));
  return running;
}

const lanesOf = (count: number, projectId: (n: number) => number | undefined, from = 1) =>
  Array.from({ length: count }, (_, n) => ({ webhookId: from + n, projectId: projectId(n) }));

/** An endpoint that has answered. */
function proven(shares: LaneShares, webhookId: number, projectId?: number) {
  const lane = shares.start({ webhookId, projectId });
  lane.answered(true);
  lane.ended();
  return { webhookId, projectId };
}

test('an endpoint has one lane until it has answered, then a quarter of the places, and one again once it is down', () => {
  const shares = new LaneShares(16);
  const same = Array(9).fill({ webhookId: 1, projectId: 1 });
  expect(fill(shares, same)).toHaveLength(1);
  const works = proven(shares, 2);
  const lanes = fill(shares, Array(9).fill(works));
  expect(lanes).toHaveLength(4);
  lanes[0]?.answered(false);
  for (const lane of lanes) lane.ended();
  expect(fill(shares, Array(9).fill(works))).toHaveLength(1);
});

test('a quarter of the places is for endpoints that work', () => {
  const shares = new LaneShares(16);
  const works = proven(shares, 100, 100);
  expect(
    fill(
      shares,
      lanesOf(50, (n) => n),
    ),
  ).toHaveLength(12);
  expect(shares.mayRun).toMatchObject({ onlyWebhooks: [100] });
  expect(fill(shares, Array(9).fill(works))).toHaveLength(4);
  expect(shares.mayRun).toBeUndefined();
});

test('a project has half of the places', () => {
  const shares = new LaneShares(16);
  expect(
    fill(
      shares,
      lanesOf(50, () => 1),
    ),
  ).toHaveLength(8);
  expect(shares.mayRun).toMatchObject({ exceptProjects: [1], onlyWebhooks: undefined });
  expect(
    fill(
      shares,
      lanesOf(50, () => 2, 100),
    ),
  ).toHaveLength(4);
  // Those of the configuration are of no project.
  for (const lane of fill(
    shares,
    lanesOf(1, () => undefined, 200),
  ))
    lane.ended();
});

test.each([
  ['of one project', () => 1],
  ['of many projects', (n: number) => n],
  ['of the configuration', () => undefined],
] as const)('fifty endpoints %s that do not answer leave places for others', (_what, projectOf) => {
  const shares = new LaneShares(16);
  const waiting: RunningLane[] = [];
  let left = lanesOf(50, projectOf);
  for (let round = 0; left.length > 0; round += 1) {
    expect(round).toBeLessThan(8);
    const started = fill(shares, left);
    for (const lane of started) lane.waits(true);
    waiting.push(...started);
    left = left.slice(started.length);
  }
  expect(waiting).toHaveLength(50);
  expect(
    fill(
      shares,
      lanesOf(50, (n) => n + 1000, 1000),
    ),
  ).toHaveLength(12);
  for (const lane of waiting) lane.ended();
});

test('those that wait aside are not without number, and all is as before once they have ended', () => {
  const shares = new LaneShares(4);
  const running: RunningLane[] = [];
  for (const lane of lanesOf(1000, (n) => n)) {
    if (!shares.allows(lane)) continue;
    const started = shares.start(lane);
    started.waits(true);
    running.push(started);
  }
  expect(running).toHaveLength(4 * 8 + 3);
  for (const lane of running) lane.ended();
  expect(shares.mayRun).toEqual({ exceptProjects: [], exceptWebhooks: [], onlyWebhooks: undefined });
  expect(
    fill(
      shares,
      lanesOf(50, (n) => n),
    ),
  ).toHaveLength(3);
});
