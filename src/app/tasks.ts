/** Wires what runs from time to time: to add a task, add it to the list. */
import { randomUUID } from 'node:crypto';
import type { Orphans } from '../gc/orphans.ts';
import type { Scrub } from '../gc/scrub.ts';
import type { Tasks } from '../metadata/server/tasks.ts';
import { Scheduler, type SchedulerOptions } from '../tasks/scheduler.ts';
import type { Task } from '../tasks/task.ts';
import type { DeliveryExpiry } from '../webhooks/delivery-expiry.ts';

export interface TaskParts extends Pick<SchedulerOptions, 'readOnlyReason' | 'log' | 'now'> {
  readonly database: { readonly tasks: Tasks };
  /** Of the hosted registry. */
  readonly tasks: readonly Task[];
  readonly deliveryExpiry: DeliveryExpiry;
  readonly scrub: Scrub;
  readonly orphans: Orphans;
  /** Of the limits of caches. */
  readonly cacheTasks: readonly Task[];
}

export function createScheduler({
  database,
  tasks: hosted,
  deliveryExpiry,
  scrub,
  orphans,
  cacheTasks,
  ...options
}: TaskParts): Scheduler {
  const tasks: readonly Task[] = [...hosted, deliveryExpiry, scrub, orphans, ...cacheTasks];
  return new Scheduler({ ...options, tasks, records: database.tasks, owner: randomUUID() });
}
