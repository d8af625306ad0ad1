/** What the server's process holds while many follow one large blob. */
import { readFileSync } from 'node:fs';
import { Entrepot } from '../support/entrepot.ts';
import { type Figure, mebibytes, megabyte, type Stage, virtualUrl } from '../support/figure.ts';
import { pull } from '../support/pulling.ts';

const maxResidentBytes = 200 * megabyte;

/** A server of its own, so that nothing else is counted. Every eighth client verifies what it gets. */
export async function memory(
  { upstream }: Stage,
  directory: string,
  blobBytes: number,
  clients: number,
): Promise<Figure[]> {
  const repository = 'memory/large';
  const server = await Entrepot.start({ directory });
  try {
    await server.setUpstreams(1, [{ url: upstream.url, name: 'large' }]);
    const digest = await upstream.call('addBlob', repository, blobBytes, 51);
    const url = virtualUrl(server, repository, 'blobs', digest);
    const { authorization } = server;
    const startedAt = performance.now();
    const answers = await Promise.all(
      Array.from({ length: clients }, (_, index) => pull(url, { authorization, hash: index % 8 === 0 })),
    );
    const seconds = (performance.now() - startedAt) / 1000;
    const right = answers.filter((one) => one.isComplete && (one.digest ?? digest) === digest).length;
    const gets = (await upstream.call('requests', { repository, method: 'GET' })).length;
    const peak = residentBytes(server.program.pid, 'VmHWM');
    const rate = (blobBytes * clients) / megabyte / seconds;
    return [
      {
        what: `peak resident memory, ${clients} clients follow ${mebibytes(blobBytes)}`,
        bound: `<= ${mebibytes(maxResidentBytes)}, all complete, 1 GET`,
        measured: `${mebibytes(peak)}, ${right} complete, ${gets} GET, ${seconds.toFixed(0)} s (${rate.toFixed(0)} MiB/s)`,
        holds: peak <= maxResidentBytes && right === clients && gets === 1,
      },
    ];
  } finally {
    await server.stop();
  }
}

/** From the process's /proc status: VmRSS now, VmHWM the most there ever was. */
export function residentBytes(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
}
