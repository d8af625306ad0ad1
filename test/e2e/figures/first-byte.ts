/** How long clients wait for their first byte. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Figure, median, megabyte, type Stage, virtualUrl } from '../support/figure.ts';
import { pull } from '../support/pulling.ts';

export async function firstByte(stage: Stage): Promise<Figure[]> {
  return [await addedForTheFirst(stage), await ofLateFollowers(stage)];
}

/** Cold blobs of an image whose manifest was pulled, each beside a direct pull of it. */
async function addedForTheFirst({ server, upstream, runs, patience }: Stage): Promise<Figure> {
  const repository = 'ttfb/first';
  const image = await upstream.call(
    'addImage',
    repository,
    '1',
    Array.from({ length: runs }, () => megabyte),
    100,
  );
  const { authorization } = server;
  await pull(virtualUrl(server, repository, 'manifests', '1'), { authorization });
  const added: number[] = [];
  const direct: number[] = [];
  for (const { digest } of image.blobs) {
    const straight = await pull(`${upstream.url}/v2/${repository}/blobs/${digest}`);
    const through = await pull(virtualUrl(server, repository, 'blobs', digest), { authorization });
    direct.push(straight.firstByteMs);
    added.push(through.firstByteMs - straight.firstByteMs);
  }
  const value = median(added);
  return {
    what: `time to first byte added for the first client, median of ${added.length}`,
    bound: `<= ${10 * patience} ms`,
    measured: `${value.toFixed(1)} ms (direct ${median(direct).toFixed(1)} ms)`,
    holds: value <= 10 * patience,
  };
}

async function ofLateFollowers({ server, upstream, blobBytes, runs, patience }: Stage): Promise<Figure> {
  const repository = 'ttfb/late';
  const digest = await upstream.call('addBlob', repository, blobBytes, 200);
  const seconds = Math.max(3, runs / 10);
  await upstream.call('fault', { repository, kind: 'blob' }, { bytesPerSecond: blobBytes / seconds });
  const { authorization } = server;
  const url = virtualUrl(server, repository, 'blobs', digest);
  const leader = pull(url, { authorization });
  await sleep(300);
  const waits: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    waits.push((await pull(url, { authorization, leaveAfterBytes: 1 })).firstByteMs);
    await sleep(((seconds - 0.6) * 1000) / runs / 2);
  }
  const { isComplete } = await leader;
  const value = median(waits);
  return {
    what: `a late follower's first byte, median of ${runs}`,
    bound: `< ${20 * patience} ms`,
    measured: `${value.toFixed(1)} ms (worst ${Math.max(...waits).toFixed(1)} ms)`,
    holds: value < 20 * patience && isComplete,
  };
}
