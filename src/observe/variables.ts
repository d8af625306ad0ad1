/** What this process is, has and uses at the moment, for people who look into a running server. */
import {
  arch,
  getActiveResourcesInfo,
  memoryUsage,
  pid,
  platform,
  resourceUsage,
  uptime,
  versions,
} from 'node:process';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';

/** To be written as JSON; memory in bytes, but for `maxRSS`, which is in KiB as Node has it; processor time in microseconds. */
export function readVariables(version: string): Readonly<Record<string, unknown>> {
  return {
    version,
    node: versions.node,
    v8: versions.v8,
    platform: `${platform}/${arch}`,
    pid,
    uptime_seconds: uptime(),
    memory: memoryUsage(),
    heap: getHeapStatistics(),
    heap_spaces: getHeapSpaceStatistics(),
    resources: resourceUsage(),
    event_loop: performance.eventLoopUtilization(),
    handles: countEach(getActiveResourcesInfo()),
  };
}

function countEach(names: readonly string[]): Readonly<Record<string, number>> {
  const groups = Map.groupBy(names, (name) => name);
  return Object.fromEntries([...groups].map(([name, those]) => [name, those.length]));
}
