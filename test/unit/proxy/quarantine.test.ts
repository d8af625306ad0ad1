import { describe, expect, test } from 'vitest';
import { Quarantine } from '../../../src/admission/quarantine.ts';
import type { QuarantineSettings } from '../../../src/upstreams/upstream.ts';
import { bytesBlob, type FakeManifest, fakeImage, fakeIndex } from '../../support/fake-content.ts';
import { nth, startProxy } from './proxy-kit.ts';

const dayMs = 24 * 60 * 60 * 1000;
/** The kit's clock begins here. */
const begin = Date.UTC(2026, 0, 1);
const strict: QuarantineSettings = {
  minAgeMs: 7 * dayMs,
  exemptPatterns: [],
  exemptsDigests: false,
  trustsCreated: false,
};

/** Made so many days before the clock begins. */
function imageMade(daysBefore: number, architecture = 'amd64'): FakeManifest {
  const created = new Date(begin - daysBefore * dayMs).toISOString();
  return fakeImage({ config: bytesBlob(JSON.stringify({ created, architecture, os: 'linux' })) });
}

async function start(settings: Partial<QuarantineSettings> = {}, others: object[] = []) {
  const kit = await startProxy({
    upstreams: [{ quarantine: { ...strict, ...settings } }, ...others],
    policiesOf: (database, now) => [new Quarantine({ sightings: database.tagSightings, now })],
  });
  const pull = async (reference: string) => {
    kit.hot.forgetAll();
    return (await kit.manifest(reference)).digest;
  };
  const pass = (days: number) => {
    kit.clock.now += days * dayMs;
  };
  const upstream = nth(kit.upstreams, 0);
  return { ...kit, upstream, pull, pass, refused: (reference: string) => expect(pull(reference)).rejects };
}

const old = imageMade(100);
const newer = imageMade(90);

describe('an image that waits', () => {
  test('is refused with the date until it was seen long enough ago, however old it says it is', async () => {
    const { upstream, pull, pass, refused } = await start();
    upstream.add(old, 'v1');
    await refused('v1').toMatchObject({ code: 'DENIED', status: 403 });
    pass(6.9);
    await refused('v1').toMatchObject({ message: expect.stringContaining('until 2026-01-08T00:00:00.000Z') });
    pass(0.1);
    expect(await pull('v1')).toBe(old.digest);
  });

  test('gives way to what the tag named before, with a warning', async () => {
    const { upstream, pull, pass, manifest } = await start();
    upstream.add(old, 'v1');
    await pull('v1').catch(() => undefined);
    pass(8);
    expect(await pull('v1')).toBe(old.digest);
    upstream.add(newer, 'v1');
    pass(1);
    expect(await manifest('v1')).toMatchObject({
      digest: old.digest,
      warnings: [expect.stringContaining('in quarantine until 2026-01-17')],
    });
    pass(7);
    expect(await pull('v1')).toBe(newer.digest);
  });

  test('gives way to an older one also while the upstream is down', async () => {
    const { upstream, pull, pass } = await start();
    upstream.add(old, 'v1');
    await pull('v1').catch(() => undefined);
    pass(8);
    await pull('v1');
    upstream.add(newer, 'v1');
    pass(1);
    await pull('v1');
    upstream.fail('unavailable', 'HEAD manifest', 'GET manifest');
    pass(1);
    expect(await pull('v1')).toBe(old.digest);
    pass(7);
    expect(await pull('v1')).toBe(newer.digest);
  });

  test('is never replaced by what another upstream has', async () => {
    const { upstream, upstreams, refused } = await start({}, [{}]);
    upstream.add(old, 'v1');
    nth(upstreams, 1).add(newer, 'v1');
    await refused('v1').toMatchObject({ code: 'DENIED' });
  });

  test('waits no longer after what was cached is forgotten', async () => {
    const { upstream, pull, pass, database } = await start();
    upstream.add(old, 'v1');
    await pull('v1').catch(() => undefined);
    await database.cacheContents.removeByUpstream(upstream.settings.id);
    pass(7);
    expect(await pull('v1')).toBe(old.digest);
  });

  test('that says it is younger than its first sight waits from when it says it was made', async () => {
    const { upstream, refused, pass, pull } = await start();
    upstream.add(imageMade(-3), 'v1');
    await refused('v1').toMatchObject({ code: 'DENIED' });
    pass(7);
    await refused('v1').toMatchObject({ message: expect.stringContaining('until 2026-01-11') });
    pass(3);
    expect(await pull('v1')).toBe(imageMade(-3).digest);
  });
});

describe('an image that is pulled by digest', () => {
  test('waits from its first pull, unless digests are exempt', async () => {
    const { upstream, refused, pass, pull } = await start();
    upstream.add(old);
    await refused(old.digest).toMatchObject({ message: expect.stringContaining('2026-01-08') });
    pass(7);
    expect(await pull(old.digest)).toBe(old.digest);
    const exempt = await start({ exemptsDigests: true });
    exempt.upstream.add(old, 'v1');
    expect(await exempt.pull(old.digest)).toBe(old.digest);
    await exempt.refused('v1').toMatchObject({ code: 'DENIED' });
  });

  test('is let in with its tag, and a child with its index', async () => {
    const child = imageMade(100, 'arm64');
    const index = fakeIndex({ manifests: [old, child] });
    const { upstream, refused, pass, pull } = await start();
    for (const each of [old, child]) upstream.add(each);
    upstream.add(index, 'v1');
    await refused('v1').toMatchObject({ code: 'DENIED' });
    await refused(child.digest).toMatchObject({ code: 'DENIED' });
    pass(7);
    expect(await pull('v1')).toBe(index.digest);
    expect(await pull(index.digest)).toBe(index.digest);
    expect(await pull(old.digest)).toBe(old.digest);
  });
});

describe('where what images say of their age is trusted', () => {
  test('the first image of a tag is let in by it, and one that the tag moves to is not', async () => {
    const { upstream, pull } = await start({ trustsCreated: true });
    upstream.add(old, 'v1');
    expect(await pull('v1')).toBe(old.digest);
    expect(await pull(old.digest)).toBe(old.digest);
    const moved = await start({ trustsCreated: true });
    moved.upstream.add(old, 'v1');
    await moved.pull('v1');
    moved.upstream.add(newer, 'v1');
    moved.pass(1);
    expect(await moved.pull('v1')).toBe(old.digest);
    moved.pass(7);
    expect(await moved.pull('v1')).toBe(newer.digest);
  });

  test('a young image waits from when it was made', async () => {
    const { upstream, refused, pass, pull } = await start({ trustsCreated: true });
    const young = imageMade(2);
    upstream.add(young, 'v1');
    await refused('v1').toMatchObject({ message: expect.stringContaining('until 2026-01-06') });
    pass(5);
    expect(await pull('v1')).toBe(young.digest);
  });

  test('an index is as young as the youngest of its images', async () => {
    const [first, second] = [imageMade(30), imageMade(2, 'arm64')];
    const index = fakeIndex({ manifests: [first, second] });
    const { upstream, refused } = await start({ trustsCreated: true });
    for (const each of [first, second]) upstream.add(each);
    upstream.add(index, 'v1');
    await refused('v1').toMatchObject({ message: expect.stringContaining('until 2026-01-06') });
  });

  test.each([
    ['says nothing', fakeImage({})],
    ['has a date of a repeatable build', imageMade(20_000)],
    ['has no config that can be read', fakeImage({ config: bytesBlob('no JSON') })],
  ])('an image that %s waits from its first sight', async (_, image) => {
    const { upstream, refused } = await start({ trustsCreated: true });
    upstream.add(image, 'v1');
    await refused('v1').toMatchObject({ message: expect.stringContaining('until 2026-01-08') });
  });
});

test('patterns exempt images, or tags of them, and their digests', async () => {
  for (const pattern of ['library/*', '*/*:v1']) {
    const { upstream, pull } = await start({ exemptPatterns: [pattern] });
    upstream.add(old, 'v1');
    expect(await pull('v1')).toBe(old.digest);
    expect(await pull(old.digest)).toBe(old.digest);
  }
  const { upstream, refused } = await start({ exemptPatterns: ['*/*:v2'] });
  upstream.add(old, 'v1');
  await refused('v1').toMatchObject({ code: 'DENIED' });
});
