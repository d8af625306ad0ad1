/** What a process and its descendants spend, as the kernel counts it. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** User and system time of all threads, and of children that have ended; 0 of nobody. */
export function cpuSeconds(pid: number | undefined): number {
  let ticks = 0;
  for (const each of treeOf(pid)) {
    const fields = statOf(each);
    // utime, stime, cutime and cstime of proc(5), counted after the command's name.
    for (const field of [11, 12, 13, 14]) ticks += Number(fields[field] ?? 0);
  }
  return ticks / ticksPerSecond;
}

/** The most that was resident since {@link forgetPeak}, in bytes. */
export function peakBytes(pid: number | undefined): number {
  return bytesOf(pid, 'VmHWM');
}

/** What is resident, in bytes. */
export function residentBytes(pid: number | undefined): number {
  return bytesOf(pid, 'VmRSS');
}

export function forgetPeak(pid: number | undefined): void {
  for (const each of treeOf(pid)) writeFileSync(`/proc/${each}/clear_refs`, '5');
}

function bytesOf(pid: number | undefined, field: string): number {
  let bytes = 0;
  for (const each of treeOf(pid)) {
    const status = readFileSync(`/proc/${each}/status`, 'utf8');
    bytes += 1024 * Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  }
  return bytes;
}

function treeOf(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  const tree = [pid];
  const all = readdirSync('/proc').map(Number).filter(Number.isInteger);
  const parents = new Map(all.map((each) => [each, Number(statOf(each)[1])]));
  for (const member of tree) tree.push(...all.filter((each) => parents.get(each) === member));
  return tree;
}

/** From the state on; empty once the process has ended. */
function statOf(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
