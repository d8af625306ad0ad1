/** Answers of /gitlab/v1: what is not known, or never happened, is left out. */

import { cacheStatus } from '../registry/cache-status.ts';
import type { RequestContext } from '../state.ts';

export function answerJson(ctx: RequestContext, body: object, status: 200 | 202 = 200): void {
  ctx.status = status;
  ctx.set('Content-Type', 'application/json');
  ctx.set('Cache-Status', cacheStatus.none);
  ctx.body = JSON.stringify(body);
}

/** ISO 8601 in UTC with milliseconds. @param instant epoch milliseconds */
export function timeOf(instant: number): string {
  return new Date(instant).toISOString();
}

/** When it changed; undefined where it never did. */
export function changeTimeOf(createdAt: number, changedAt: number): string | undefined {
  return changedAt === createdAt ? undefined : timeOf(changedAt);
}

export function lastSegmentOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
