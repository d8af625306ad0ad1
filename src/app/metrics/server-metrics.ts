/** The server itself: its version, its siblings, the certificates that it goes by and the disks that it writes to; looked at when the metrics are read. */
import { X509Certificate } from 'node:crypto';
import type { StatsFs } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { Gauge, type Registry } from 'prom-client';
import { version } from '../../config/version.ts';

export interface WatchedServer {
  /** Of all processes that share the records. */
  readonly countProcesses: () => Promise<number>;
  /** PEM files by the setting that names them. */
  readonly certificates: Readonly<Record<string, string | undefined>>;
  /** Directories by what is in them. */
  readonly directories: Readonly<Record<string, string | undefined>>;
}

export interface ServerMetrics {
  /** Whenever the metrics are read from then on. */
  watch(server: WatchedServer): void;
}

export function serverMetrics(registry: Registry): ServerMetrics {
  const registers = [registry];
  let watched: WatchedServer | undefined;
  // Each worker sees the same.
  const aggregator = 'max';
  new Gauge({
    name: 'entrepot_info',
    help: '1, with the version.',
    labelNames: ['version'],
    aggregator,
    registers,
  }).set({ version }, 1);
  new Gauge({
    name: 'entrepot_processes',
    help: 'Processes that share the records and live.',
    aggregator,
    registers,
    async collect() {
      if (watched) this.set(await watched.countProcesses().catch(() => Number.NaN));
    },
  });
  new Gauge({
    name: 'entrepot_certificate_end_timestamp_seconds',
    help: 'When the first certificate of a file ends, by the setting that names the file.',
    labelNames: ['setting'],
    aggregator,
    registers,
    async collect() {
      for (const [setting, file] of given(watched?.certificates))
        this.set({ setting }, await endOf(file).catch(() => Number.NaN));
    },
  });
  const disks = (name: string, help: string, bytesOf: (disk: StatsFs) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['directory'],
      aggregator,
      registers,
      async collect() {
        for (const [directory, path] of given(watched?.directories))
          this.set({ directory }, await statfs(path).then(bytesOf, () => Number.NaN));
      },
    });
  const sizeOf = ({ bsize, blocks }: StatsFs) => bsize * blocks;
  const freeOf = ({ bsize, bavail }: StatsFs) => bsize * bavail;
  disks('entrepot_disk_size_bytes', 'Size of the file system that a directory is on.', sizeOf);
  disks('entrepot_disk_free_bytes', 'Free for us on the file system that a directory is on.', freeOf);
  return {
    watch(server) {
      watched = server;
    },
  };
}

function given(named: Readonly<Record<string, string | undefined>> = {}): (readonly [string, string])[] {
  return Object.entries(named).flatMap(([name, path]) => (path === undefined ? [] : [[name, path] as const]));
}

const certificatePattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Seconds since 1970; Infinity where there is none. */
async function endOf(file: string): Promise<number> {
  const certificates = (await readFile(file, 'utf8')).match(certificatePattern) ?? [];
  const ends = certificates.map((pem) => new X509Certificate(pem).validToDate.getTime() / 1000);
  return Math.min(...ends);
}
