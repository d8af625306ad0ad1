/** What the server's process holds while a large blob is pushed, beside a small one. */

import { seededBlob } from '../../support/fake-content.ts';
import type { BlobPlace } from '../support/blob-place.ts';
import { Entrepot } from '../support/entrepot.ts';
import { type Figure, mebibytes, megabyte } from '../support/figure.ts';
import { PushClient } from '../support/pushing.ts';
import { residentBytes } from './memory.ts';

const project = 'memory/project';
const smallBytes = 20 * megabyte;
/** What may differ: when garbage is collected is not the same twice. */
const allowanceBytes = 40 * megabyte;
/** Of parts that are on their way to a bucket, too. */
const bucketAllowanceBytes = 256 * megabyte;

/** Each on a server of its own, so that nothing else is counted. */
export async function pushMemory(
  directory: string,
  largeBytes: number,
  { env, bucket }: BlobPlace,
): Promise<Figure[]> {
  const small = await peakOf(`${directory}-small`, smallBytes, env);
  const large = await peakOf(`${directory}-large`, largeBytes, env);
  const allowance = bucket ? bucketAllowanceBytes : allowanceBytes;
  const where = bucket ? ', to a bucket' : '';
  return [
    {
      what: `peak resident memory, a push of ${mebibytes(largeBytes)} beside one of ${mebibytes(smallBytes)}${where}`,
      bound: `<= ${mebibytes(allowance)} more, both acknowledged`,
      measured: `${mebibytes(large.peak)} beside ${mebibytes(small.peak)}, ${large.seconds.toFixed(0)} s`,
      holds: large.peak - small.peak <= allowance && large.isAcknowledged && small.isAcknowledged,
    },
  ];
}

async function peakOf(directory: string, bytes: number, env: BlobPlace['env']) {
  const server = await Entrepot.start({ directory, env });
  try {
    await server.createProject(project);
    const client = new PushClient(`http://${server.host}/v2/${project}`, server.authorization);
    const blob = seededBlob(bytes, 71);
    const startedAt = performance.now();
    const isAcknowledged = await client.blob(blob, 'one PATCH');
    const seconds = (performance.now() - startedAt) / 1000;
    return { isAcknowledged, seconds, peak: residentBytes(server.program.pid, 'VmHWM') };
  } finally {
    await server.stop();
  }
}
