/**
 * Loaded before a server (`--import`): tells its parent how long its event loop stood still at most since it was asked last. By the
 * processor's time, which others on the machine do not add to, and by the clock.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const tickMs = 5;

export interface LoopFigures {
  /** What the thread computed between two ticks at most, in milliseconds. */
  readonly busyMs: number;
  /** By the clock, in milliseconds. */
  readonly delayMs: number;
  readonly residentBytes: number;
}

const delay = monitorEventLoopDelay({ resolution: tickMs });
let last = process.threadCpuUsage();
let busiest = 0;

setInterval(() => {
  const now = process.threadCpuUsage();
  busiest = Math.max(busiest, now.user + now.system - last.user - last.system);
  last = now;
}, tickMs).unref();
delay.enable();

process.on('message', () => {
  const figures: LoopFigures = {
    busyMs: busiest / 1000,
    delayMs: delay.max / 1e6 - tickMs,
    residentBytes: process.memoryUsage.rss(),
  };
  process.send?.(figures);
  busiest = 0;
  delay.reset();
});
process.channel?.unref();
