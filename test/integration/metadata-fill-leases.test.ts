import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';

const leaseMs = 15_000;
const key = 'https://registry.test sha256:abc';
const one = { owner: 'one', address: '10.0.0.1:5002' };
const two = { owner: 'two', address: '10.0.0.2:5002' };

describeEachDatabase('leases of fills', (open, { clock }) => {
  test('are taken by one process, of which all others are told', async () => {
    const { fillLeases } = await open();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        fillLeases.take(key, { owner: `process ${index}`, address: `10.0.0.${index}:1` }, leaseMs),
      ),
    );
    expect(answers.filter((answer) => answer?.isTaken)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer?.lease.owner)).size).toBe(1);
    expect(new Set(answers.map((answer) => answer?.lease.fence))).toEqual(new Set([1]));
  });

  test('are of one key each', async () => {
    const { fillLeases } = await open();
    expect(await fillLeases.take(key, one, leaseMs)).toMatchObject({ isTaken: true });
    expect(await fillLeases.take(`${key}d`, two, leaseMs)).toMatchObject({ isTaken: true });
  });

  test('are lost with their time, unless they are renewed, and nobody holds an older one then', async () => {
    const { fillLeases } = await open();
    const first = await fillLeases.take(key, one, leaseMs);
    clock.now += leaseMs - 1;
    await fillLeases.renew('one', [key], leaseMs);
    clock.now += leaseMs - 1;
    expect(await fillLeases.take(key, two, leaseMs)).toMatchObject({ isTaken: false, lease: one });
    clock.now += 1;
    if (!first) throw new Error('not taken');
    // Nobody else has taken it: its owner may go on.
    expect(await fillLeases.isHeld(first.lease)).toBe(true);
    const second = await fillLeases.take(key, two, leaseMs);
    expect(second).toMatchObject({ isTaken: true, lease: { ...two, fence: 2 } });
    expect(await fillLeases.isHeld(first.lease)).toBe(false);
    await fillLeases.renew('one', [key], 10 * leaseMs);
    await fillLeases.release(first.lease);
    expect(await fillLeases.take(key, one, leaseMs)).toMatchObject({ isTaken: false, lease: two });
    clock.now += leaseMs;
    expect(await fillLeases.take(key, one, leaseMs)).toMatchObject({ isTaken: true, lease: { fence: 3 } });
  });

  test('go over to the first who says that their owner is dead', async () => {
    const { fillLeases } = await open();
    const dead = (await fillLeases.take(key, one, leaseMs))?.lease;
    expect(await fillLeases.take(key, two, leaseMs, dead)).toMatchObject({
      isTaken: true,
      lease: { fence: 2 },
    });
    // Who says it of the one before is told who has it now.
    expect(await fillLeases.take(key, { owner: 'three', address: 'c:1' }, leaseMs, dead)).toMatchObject({
      isTaken: false,
      lease: two,
    });
  });

  test('are free once they are released', async () => {
    const { fillLeases } = await open();
    const taken = await fillLeases.take(key, one, leaseMs);
    if (!taken) throw new Error('not taken');
    await fillLeases.release(taken.lease);
    expect(await fillLeases.isHeld(taken.lease)).toBe(false);
    expect(await fillLeases.take(key, two, leaseMs)).toMatchObject({ isTaken: true });
  });

  test('that were left are removed in the end', async () => {
    const { fillLeases } = await open();
    await fillLeases.take(key, one, leaseMs);
    clock.now += leaseMs + 3_600_000;
    await fillLeases.renew('two', ['another'], leaseMs);
    // One that had been kept would go on counting.
    expect(await fillLeases.take(key, two, leaseMs)).toMatchObject({ isTaken: true, lease: { fence: 1 } });
  });
});
