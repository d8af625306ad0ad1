/** Wires what runs from time to time: to add a job, add it to the list. */
import { randomUUID } from 'node:crypto';
import { type Job, Scheduler, type SchedulerOptions } from './gc/scheduler.ts';
import type { UploadExpiry } from './hosted/upload-expiry.ts';
import type { Jobs } from './metadata/jobs.ts';

export interface JobParts extends Pick<SchedulerOptions, 'readOnlyReason' | 'log' | 'now'> {
  readonly database: { readonly jobs: Jobs };
  readonly expiry: UploadExpiry;
}

export function createScheduler({ database, expiry, ...options }: JobParts): Scheduler {
  const jobs: readonly Job[] = [expiry];
  return new Scheduler({ ...options, jobs, records: database.jobs, owner: randomUUID() });
}
