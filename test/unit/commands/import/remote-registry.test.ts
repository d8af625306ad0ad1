import { describe, expect, test } from 'vitest';
import { CommandRefused } from '../../../../src/commands/command.ts';
import { RemoteRegistry } from '../../../../src/commands/import/remote-registry.ts';
import { parseTag } from '../../../../src/oci/reference.ts';
import { OutboundError, type OutboundErrorOptions } from '../../../../src/outbound/outbound-error.ts';
import type { UpstreamHealth } from '../../../../src/upstreams/upstream.ts';
import { fakeImage, seededBlob } from '../../../support/fake-content.ts';
import { FakeUpstream } from '../../../support/fake-upstream.ts';
import { silentLog } from '../../../support/silent-log.ts';

const nothing = () => undefined;
const observer = {
  started: nothing,
  followed: nothing,
  resumed: nothing,
  finished: nothing,
  spooled: nothing,
};
const tag = parseTag('1');

/** One that fails until it was waited for so often. */
function registry(failures = 0, failure: Error = failed({ status: 503 })) {
  const upstream = new FakeUpstream({ id: 0 });
  const image = fakeImage({ layers: [seededBlob(100, 1)] });
  upstream.add(image, '1');
  if (failures > 0)
    upstream.fail(failure, 'tags', 'HEAD manifest', 'GET manifest', 'HEAD blob', 'GET blob', 'referrers');
  const waits: number[] = [];
  const pause = async (ms: number) => {
    if (ms > 0) waits.push(ms);
    if (waits.length === failures) upstream.recover();
  };
  const tools = { log: silentLog, observer, pause };
  const source = new RemoteRegistry({ upstream, list: async () => ['a'], tools, now: () => 1000 });
  return { upstream, image, waits, source, repository: source.open('acme/shop') };
}

function failed(options: OutboundErrorOptions): OutboundError {
  return new OutboundError('unavailable', 'failed', options);
}

describe('a registry that is imported', () => {
  test('is asked again where it fails, after longer and longer, whatever it is asked for', async () => {
    const asks = ({ repository, image }: ReturnType<typeof registry>) => [
      () => repository.listTags(),
      () => repository.findTag(tag),
      () => repository.getManifest(image.digest),
      () => repository.listReferrers(image.digest),
      () => repository.demandBlob(image.layers[0]?.digest ?? image.digest),
      () => repository.openBlob(image.layers[0]?.digest ?? image.digest),
    ];
    for (const number of asks(registry()).keys()) {
      const asked = registry(3);
      await asks(asked)[number]?.();
      expect(asked.waits).toEqual([1000, 2000, 4000]);
    }
  });

  test('is waited for as long as it asks for', async () => {
    const limited = new OutboundError('rate-limited', 'limits our rate', { status: 429, retryAfterMs: 7000 });
    const { repository, waits, image } = registry(1, limited);
    expect(await repository.findTag(tag)).toBe(image.digest);
    expect(waits).toEqual([7000]);
    const blob = registry(1, limited);
    await blob.repository.openBlob(blob.image.layers[0]?.digest ?? image.digest);
    expect(blob.waits).toEqual([7000]);
  });

  test('is not asked while its breaker is open', async () => {
    const { repository, upstream, waits } = registry();
    const health: UpstreamHealth = { ...upstream.health(), breaker: 'open', openUntil: 31_000 };
    upstream.health = () => health;
    await repository.listTags();
    expect(waits).toEqual([30_000]);
  });

  test('that goes on failing for one thing may have others; one that cannot be had ends the import', async () => {
    const { repository, waits, source } = registry(9);
    await expect(repository.listTags()).rejects.toThrow(/^the tags: \S+ failed$/);
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000]);
    await source.listRepositories();

    const gone = registry(9, failed({ unreachable: true }));
    await gone.source.listRepositories();
    await expect(gone.repository.listTags()).rejects.toThrow(/failed\. Run this again: it goes on/);
    expect(gone.waits).toHaveLength(5);
    const limited = registry(9, new OutboundError('rate-limited', 'limits', { status: 429 }));
    await expect(limited.repository.listTags()).rejects.toBeInstanceOf(CommandRefused);
    const cold = registry(9, failed({ unreachable: true }));
    await expect(cold.repository.listTags()).rejects.toBeInstanceOf(CommandRefused);
    expect(cold.waits).toEqual([]);
  });

  test('is believed at once that it does not have something', async () => {
    const { repository, waits } = registry(
      9,
      new OutboundError('not-found', 'does not have it', { status: 404 }),
    );
    await expect(repository.findTag(tag)).rejects.toMatchObject({
      isAbsent: true,
      message: expect.stringContaining('does not have it'),
    });
    expect(waits).toEqual([]);
  });

  test('says by GET what a tag names, where HEAD does not', async () => {
    const { repository, upstream, image } = registry();
    upstream.saysDigests = false;
    expect(await repository.findTag(tag)).toBe(image.digest);
    expect(upstream.asked).toEqual(['HEAD manifest 1', 'GET manifest 1']);
  });
});
