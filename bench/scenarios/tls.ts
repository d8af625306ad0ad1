/** The same over TLS, ended by each server itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { mebibytes, megabyte } from '../../test/e2e/support/figure.ts';
import { run } from '../../test/e2e/support/processes.ts';
import type { TlsFiles } from '../contender.ts';
import { imageOf } from '../image.ts';
import { drain, rateOf } from '../load.ts';
import { distribution, dockerRegistry } from '../peers/distribution.ts';
import { hosted, virtual } from '../peers/entrepot.ts';
import { nginx } from '../peers/nginx.ts';
import { zot } from '../peers/zot.ts';
import { cpuSeconds } from '../process-tree.ts';
import { inTurn } from '../rounds.ts';
import { type Scenario, type Stage, withWarm } from '../scenario.ts';

const connections = 32;

export const tls: Scenario = {
  name: 'tls',
  title: 'Over TLS',
  lead: (stage) =>
    `A manifest by its tag on ${connections} connections that stay, and a layer of ${mebibytes(bytesOf(stage))} to one client; TLS 1.3, a P-256 certificate.`,
  rows: () => [
    { quantity: 'rate', what: 'manifests', unit: '/s', decimals: 0, better: 'more', ratios: { zot: 1.3 } },
    { quantity: 'cpu', what: 'processor time for each', unit: ' µs', decimals: 0, better: 'less' },
    { quantity: 'bytes', what: 'the layer', unit: ' GB/s', decimals: 2, better: 'more', ratios: { zot: 1 } },
    { quantity: 'bytesCpu', what: 'processor time for a GiB', unit: ' s', decimals: 2, better: 'less' },
  ],
  async measure(stage) {
    const { rounds, warmUps, seconds, loadCore, directory } = stage;
    const files = await selfSigned(directory);
    setDefaultCACertificates([...getCACertificates(), readFileSync(files.certificate, 'utf8')]);
    const image = imageOf([bytesOf(stage)], 8);
    const peers = { hosting: [hosted, dockerRegistry, distribution, zot, nginx], pullingThrough: [virtual] };
    return await withWarm({ ...stage, tls: files }, peers, image, async (contenders) => {
      return await inTurn({
        contenders,
        rounds,
        warmUps: Math.min(warmUps, 3),
        async measure({ base, pid, ...contender }) {
          const authorization = await contender.authorization();
          const manifest = { url: `${base}/manifests/latest`, authorization, connections, seconds };
          const { perSecond, cpuMicroseconds } = await rateOf({ pid }, { ...manifest, core: loadCore });
          const before = cpuSeconds(pid);
          const layer = `${base}/blobs/${image.layers[0]?.digest}`;
          const drained = await drain(layer, authorization, 1, loadCore);
          return {
            rate: perSecond,
            cpu: cpuMicroseconds,
            bytes: drained.bytes / drained.seconds / 1e9,
            bytesCpu: (cpuSeconds(pid) - before) / (drained.bytes / 1024 ** 3),
          };
        },
      });
    });
  },
};

function bytesOf({ scale }: Stage): number {
  return Math.max(16, Math.round(256 * scale)) * megabyte;
}

async function selfSigned(directory: string): Promise<TlsFiles> {
  const files = { certificate: join(directory, 'tls.crt'), key: join(directory, 'tls.key') };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', files.key];
  const subject = ['-subj', '/CN=bench', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  await run('openssl', ['req', '-x509', ...key, '-out', files.certificate, ...subject]);
  return files;
}
