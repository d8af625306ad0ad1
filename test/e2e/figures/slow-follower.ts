/** A client that reads slowly beside others that do not. */
import { type Figure, mebibytes, megabyte, type Stage, virtualUrl } from '../support/figure.ts';
import { pull } from '../support/pulling.ts';

export async function slowFollower({ server, upstream, blobBytes, patience }: Stage): Promise<Figure[]> {
  const { authorization } = server;
  const size = Math.min(blobBytes, 32 * megabyte);
  const measure = async (repository: string, seed: number, withSlow: boolean) => {
    const digest = await upstream.call('addBlob', repository, size, seed);
    await upstream.call('fault', { repository, kind: 'blob' }, { bytesPerSecond: size });
    const url = virtualUrl(server, repository, 'blobs', digest);
    const slow = withSlow ? pull(url, { authorization, bytesPerSecond: megabyte }) : undefined;
    const fast = await Promise.all(Array.from({ length: 4 }, () => pull(url, { authorization })));
    const isRight = [...fast, ...(slow ? [await slow] : [])].every(
      (answer) => answer.isComplete && answer.digest === digest,
    );
    return { slowestMs: Math.max(...fast.map(({ totalMs }) => totalMs)), isRight };
  };
  const alone = await measure('slow/alone', 41, false);
  const beside = await measure('slow/beside', 42, true);
  return [
    {
      what: `4 clients beside one that reads 1 MB/s of ${mebibytes(size)}`,
      bound: `within ${25 * patience} % of their time without it, all complete`,
      measured: `${beside.slowestMs.toFixed(0)} ms, without it ${alone.slowestMs.toFixed(0)} ms`,
      holds: beside.isRight && alone.isRight && beside.slowestMs <= alone.slowestMs * (1 + 0.25 * patience),
    },
  ];
}
