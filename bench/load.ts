/** The load side: answers counted from a core of its own, bytes drained, and what the server's process spent meanwhile. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifestAccept } from '../src/oci/media-types.ts';
import { missing, run } from '../test/e2e/support/processes.ts';

export const serverCore = 0;
export const loadCore = '1';
const connections = 32;
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Answers per second to the same GET. @param authorization undefined: none @throws Error where one is not 200 */
export async function answersPerSecond(
  url: string,
  authorization: string | undefined,
  seconds: number,
): Promise<number> {
  const credentials = authorization === undefined ? [] : [`Authorization: ${authorization}`];
  const headers = [...credentials, `Accept: ${manifestAccept}`];
  const pinned = (...command: string[]) => run('taskset', ['-c', loadCore, ...command]);
  if ((await missing('wrk')).length > 0) {
    const hammer = [
      process.execPath,
      join(import.meta.dirname, 'hammer.ts'),
      url,
      String(seconds),
      String(connections),
    ];
    return numberIn(await pinned(...hammer, ...headers), /"perSecond":([\d.]+)/);
  }
  const flags = ['-t1', `-c${connections}`, `-d${seconds}s`, ...headers.flatMap((header) => ['-H', header])];
  const report = await pinned('wrk', ...flags, url);
  if (/Non-2xx|Socket errors/.test(report)) throw new Error(report);
  return numberIn(report, /Requests\/sec:\s+([\d.]+)/);
}

export interface Transfer {
  readonly bytesPerSecond: number;
  /** What the server's process used, user and system. */
  readonly cpuSecondsPerGib: number;
}

export interface TransferOptions {
  readonly url: string;
  readonly authorization: string;
  /** The server's process. */
  readonly pid: number;
  /** Whether the client keeps to the load's core. */
  readonly pinned: boolean;
}

/** One download of a blob. */
export async function transfer({ url, authorization, pid, pinned }: TransferOptions): Promise<Transfer> {
  const before = cpuSeconds(pid);
  const format = '{"bytes":%{size_download},"seconds":%{time_total}}';
  const drain = [
    'curl',
    '-sf',
    '-o',
    '/dev/null',
    '-H',
    `Authorization: ${authorization}`,
    '-w',
    format,
    url,
  ];
  const [program = '', ...args] = pinned ? ['taskset', '-c', loadCore, ...drain] : drain;
  const report = await run(program, args);
  const bytes = numberIn(report, /"bytes":(\d+)/);
  return {
    bytesPerSecond: bytes / numberIn(report, /"seconds":([\d.]+)/),
    cpuSecondsPerGib: (cpuSeconds(pid) - before) / (bytes / 1024 ** 3),
  };
}

/** utime and stime of /proc/<pid>/stat, which cover all threads. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

export function numberIn(text: string, pattern: RegExp): number {
  const value = Number(pattern.exec(text)?.[1]);
  if (Number.isNaN(value)) throw new Error(text);
  return value;
}
