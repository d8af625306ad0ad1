/** Wires what runs from time to time: to add a job, add it to the list. */
import { randomUUID } from 'node:crypto';
import type { Orphans } from '../gc/orphans.ts';
import type { Scrub } from '../gc/scrub.ts';
import type { Jobs } from '../metadata/server/tasks.ts';
import { Scheduler, type SchedulerOptions } from '../tasks/scheduler.ts';
import type { Job } from '../tasks/task.ts';
import type { DeliveryExpiry } from '../webhooks/delivery-expiry.ts';

export interface JobParts extends Pick<SchedulerOptions, 'readOnlyReason' | 'log' | 'now'> {
  readonly database: { readonly jobs: Jobs };
  /** Of the hosted registry. */
  readonly jobs: readonly Job[];
  readonly deliveryExpiry: DeliveryExpiry;
  readonly scrub: Scrub;
  readonly orphans: Orphans;
  /** Of the limits of caches. */
  readonly cacheJobs: readonly Job[];
}

export function createScheduler({
  database,
  jobs: hosted,
  deliveryExpiry,
  scrub,
  orphans,
  cacheJobs,
  ...options
}: JobParts): Scheduler {
  const jobs: readonly Job[] = [...hosted, deliveryExpiry, scrub, orphans, ...cacheJobs];
  return new Scheduler({ ...options, jobs, records: database.jobs, owner: randomUUID() });
}
