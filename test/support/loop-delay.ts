/**
 * Loaded into a server's process before it (`node --import`): says over a socket for how long it let nothing else run, and how much memory it
 * took, since it was last asked. In time of the CPU, which is the same however busy the machine is.
 */
import { createServer } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How often it is looked: so much is counted to a stretch at most that is not part of it. */
const tickMs = 2;

export interface LoopDelay {
  /** Milliseconds of CPU between two turns of the loop at most. */
  readonly cpuMs: number;
  /** By the clock. */
  readonly delayMs: number;
  /** At most, in bytes. */
  readonly residentBytes: number;
}

const socket = process.env['LOOP_DELAY_SOCKET'];
if (socket !== undefined) {
  const histogram = monitorEventLoopDelay({ resolution: tickMs });
  histogram.enable();
  let cpuMs = 0;
  let residentBytes = 0;
  let last = process.threadCpuUsage();
  setInterval(() => {
    const { user, system } = process.threadCpuUsage(last);
    cpuMs = Math.max(cpuMs, (user + system) / 1000);
    residentBytes = Math.max(residentBytes, process.memoryUsage.rss());
    last = process.threadCpuUsage();
  }, tickMs).unref();
  createServer((_, response) => {
    const delay: LoopDelay = { cpuMs, delayMs: histogram.max / 1e6, residentBytes };
    cpuMs = 0;
    residentBytes = process.memoryUsage.rss();
    histogram.reset();
    response.end(JSON.stringify(delay));
  })
    .listen(socket)
    .unref();
}
