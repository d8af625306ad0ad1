/** The load's side, which keeps to a core of its own: the same answer over and over, and blobs taken as fast as they come. */
import { join } from 'node:path';
import { manifestAccept } from '../src/oci/media-types.ts';
import { missing, run } from '../test/e2e/support/processes.ts';
import { type Contender, pinned } from './contender.ts';
import { cpuSeconds } from './process-tree.ts';

export interface RateOptions {
  /** `{1000}` is another number below 1000 each time, where it is timed. */
  readonly url: string;
  readonly authorization: string | undefined;
  readonly connections: number;
  readonly seconds: number;
  readonly method?: 'GET' | 'HEAD';
  /** Whether it matters how long each answer takes. */
  readonly isTimed?: boolean;
  /** Core of the load; undefined: any. */
  readonly core: number | undefined;
}

export interface Rate {
  readonly perSecond: number;
  /** Within how many milliseconds half of the answers and 99 of 100 came; NaN where wrk counted. */
  readonly p50: number;
  readonly p99: number;
  /** Of the server's process tree, for one answer. */
  readonly cpuMicroseconds: number;
}

/** @throws Error where an answer is not 2xx */
export async function rateOf({ pid }: Pick<Contender, 'pid'>, options: RateOptions): Promise<Rate> {
  const before = cpuSeconds(pid);
  const answers = await ask(options);
  const spent = cpuSeconds(pid) - before;
  return { ...answers, cpuMicroseconds: (spent * 1e6) / (answers.perSecond * options.seconds) };
}

async function ask(options: RateOptions): Promise<Omit<Rate, 'cpuMicroseconds'>> {
  const { url, authorization, connections, seconds, method = 'GET', isTimed = false, core } = options;
  const credentials = authorization === undefined ? [] : [`Authorization: ${authorization}`];
  const headers = [...credentials, `Accept: ${manifestAccept}`];
  // wrk waits for the body that an answer to HEAD announces, and rounds times.
  if (isTimed || method === 'HEAD' || (await missing('wrk')).length > 0) {
    const hammer = join(import.meta.dirname, 'hammer.ts');
    const args = [hammer, method, url, String(seconds), String(connections), ...headers];
    const report = await run(...pinned(core, process.execPath, ...args));
    return JSON.parse(report);
  }
  const flags = ['-t1', `-c${connections}`, `-d${seconds}s`];
  const report = await run(
    ...pinned(core, 'wrk', ...flags, ...headers.flatMap((header) => ['-H', header]), url),
  );
  if (/Non-2xx|Socket errors/.test(report)) throw new Error(report);
  return { perSecond: numberIn(report, /Requests\/sec:\s+([\d.]+)/), p50: Number.NaN, p99: Number.NaN };
}

export interface Drained {
  /** Until the last one has its last byte. */
  readonly seconds: number;
  /** Until the first byte of a body, the median of all clients. */
  readonly firstByteMs: number;
  readonly bytes: number;
}

/** Downloads by so many clients at once, thrown away. @throws Error where one is not answered with 200 */
export async function drain(
  url: string,
  authorization: string | undefined,
  clients: number,
  core: number | undefined,
): Promise<Drained> {
  // Certificates of the benchmark are signed by nobody.
  const header = ['--insecure', '-H', `Accept: ${manifestAccept}`];
  if (authorization !== undefined) header.push('-H', `Authorization: ${authorization}`);
  const format = '%{http_code} %{size_download} %{time_total} %{time_starttransfer}\\n';
  const each = ['-o', '/dev/null', url];
  const all = Array.from({ length: clients }, () => each).flat();
  const parallel = ['-Z', '--parallel-immediate', '--parallel-max', String(Math.min(clients, 300))];
  const command = ['curl', '-sS', ...(clients > 1 ? parallel : []), ...header, '-w', format, ...all];
  const report = await run(...pinned(core, ...command), { timeoutMs: 600_000 });
  const lines = report
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  const refused = lines.find(([status]) => status !== 200);
  if (refused || lines.length !== clients) throw new Error(`${url}: ${report.slice(0, 300)}`);
  const firstBytes = lines.map(([, , , first = 0]) => first).sort((a, b) => a - b);
  return {
    seconds: Math.max(...lines.map(([, , total = 0]) => total)),
    firstByteMs: 1000 * (firstBytes[Math.floor(clients / 2)] ?? 0),
    bytes: lines.reduce((sum, [, bytes = 0]) => sum + bytes, 0),
  };
}

export function numberIn(text: string, pattern: RegExp): number {
  const value = Number(pattern.exec(text)?.[1]);
  if (Number.isNaN(value)) throw new Error(text);
  return value;
}
