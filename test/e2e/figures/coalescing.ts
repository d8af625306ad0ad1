/** How often an upstream is asked for one blob that many want. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Figure, mebibytes, megabyte, type Stage, virtualUrl } from '../support/figure.ts';
import { pull } from '../support/pulling.ts';

const bytesPerSecond = 64 * megabyte;

export async function coalescing(stage: Stage): Promise<Figure[]> {
  return [await simultaneous(stage, 32), await staggered(stage, 8, 100), await leaderLeaves(stage)];
}

async function simultaneous(stage: Stage, clients: number): Promise<Figure> {
  const what = `${clients} clients at once on one cold ${mebibytes(stage.blobBytes)} blob`;
  return together(
    stage,
    what,
    'coalesce/at-once',
    11,
    Array.from({ length: clients }, () => 0),
  );
}

async function staggered(stage: Stage, clients: number, apartMs: number): Promise<Figure> {
  const what = `${clients} clients ${apartMs} ms apart on one cold blob`;
  return together(
    stage,
    what,
    'coalesce/staggered',
    12,
    Array.from({ length: clients }, (_, index) => index * apartMs),
  );
}

async function together(
  stage: Stage,
  what: string,
  repository: string,
  seed: number,
  delays: readonly number[],
): Promise<Figure> {
  const { server, upstream, blobBytes } = stage;
  const digest = await upstream.call('addBlob', repository, blobBytes, seed);
  await upstream.call('fault', { repository, kind: 'blob' }, { bytesPerSecond });
  const { authorization } = server;
  const answers = await Promise.all(
    delays.map(async (delay) => {
      await sleep(delay);
      return pull(virtualUrl(server, repository, 'blobs', digest), { authorization });
    }),
  );
  const gets = await upstream.call('requests', { repository, method: 'GET' });
  const heads = await upstream.call('requests', { repository, method: 'HEAD' });
  const fetched = gets.reduce((sum, request) => sum + request.bytesSent, 0);
  const right = answers.filter((answer) => answer.isComplete && answer.digest === digest).length;
  return {
    what,
    bound: `1 GET, ${mebibytes(blobBytes)} fetched, all complete`,
    measured: `${gets.length} GET, ${heads.length} HEAD, ${mebibytes(fetched)} fetched, ${right} of ${answers.length} complete`,
    holds: gets.length === 1 && fetched === blobBytes && right === answers.length,
  };
}

async function leaderLeaves({ server, upstream, blobBytes }: Stage): Promise<Figure> {
  const repository = 'coalesce/leader';
  const digest = await upstream.call('addBlob', repository, blobBytes, 13);
  await upstream.call('fault', { repository, kind: 'blob' }, { bytesPerSecond });
  const url = virtualUrl(server, repository, 'blobs', digest);
  const { authorization } = server;
  await pull(url, { authorization, leaveAfterBytes: 4 * megabyte });
  const deadline = performance.now() + 60_000;
  const sent = async () =>
    (await upstream.call('requests', { repository, method: 'GET' })).reduce(
      (sum, one) => sum + one.bytesSent,
      0,
    );
  while ((await sent()) < blobBytes && performance.now() < deadline) await sleep(50);
  const filled = await sent();
  await upstream.call('forgetRequests');
  const second = await pull(url, { authorization });
  const asked = (await upstream.call('requests', { repository })).length;
  return {
    what: 'the first client leaves at 4 MiB',
    bound: 'the fill completes, the second pull asks nothing',
    measured: `${mebibytes(filled)} filled, ${asked} requests for the second pull`,
    holds: filled === blobBytes && asked === 0 && second.isComplete && second.digest === digest,
  };
}
