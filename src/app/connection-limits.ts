/** How many may be connected: as the operator says, but never so many that no files are left for what they ask for. */
import { readdir, readFile } from 'node:fs/promises';
import { TrustedProxies } from '../api/forwarded.ts';
import type { ConnectionLimits } from '../api/server/connections.ts';
import type { Config } from '../config/config.ts';
import type { Log } from '../observe/log.ts';

/** Of all, for one address: somebody else can always connect. */
const maxShare = 3 / 4;
/** Probes and scrapers are few. */
const maxOperations = 32;
const leastConnections = 4;
/** What is opened after the start: databases, caches, what is listened on. */
const reservedFiles = 16;

export interface FileLimit {
  /** Files that the process may open; sockets are files. */
  readonly max: number;
  /** That are open now. */
  readonly open: number;
}

/** Undefined where the system does not say so. */
export async function findFileLimit(): Promise<FileLimit | undefined> {
  try {
    const [limits, files] = await Promise.all([
      readFile('/proc/self/limits', 'utf8'),
      readdir('/proc/self/fd'),
    ]);
    const max = Number(/^Max open files +([0-9]+) /m.exec(limits)?.[1]);
    return Number.isNaN(max) ? undefined : { max, open: files.length };
  } catch {
    return undefined;
  }
}

/** For clients and for operations. */
export function connectionLimits(
  { maxConnections, maxConnectionsPerAddress, trustedProxies }: Config['http'],
  files: FileLimit | undefined,
  log: Log,
): { readonly http: ConnectionLimits; readonly operations: ConnectionLimits } {
  const proxies = new TrustedProxies(trustedProxies);
  // A pull takes a file besides its connection, and one that is not cached a connection and a file more.
  const left = files === undefined ? Number.POSITIVE_INFINITY : files.max - files.open - reservedFiles;
  const affordable = Math.floor(left / 2);
  const max = Math.max(leastConnections, Math.min(maxConnections, affordable));
  if (max < maxConnections) {
    const fields = { connections: max, files: files?.max };
    log.warn(
      fields,
      'fewer clients can be connected than http.max_connections says: raise the limit of open files (ulimit -n)',
    );
  }
  const maxPerAddress = Math.min(maxConnectionsPerAddress, Math.ceil(max * maxShare));
  return {
    http: { max, maxPerAddress, isProxy: (address) => proxies.trusts(address) },
    operations: {
      max: Math.min(maxOperations, Math.ceil(max / 2)),
      maxPerAddress: Number.POSITIVE_INFINITY,
      isProxy: () => false,
    },
  };
}
