/** What clouds ask money for. */
import { Counter, type Registry } from 'prom-client';
import type { ObjectObserver } from '../../storage/objects/observed-storage.ts';

export function objectMetrics(registry: Registry): ObjectObserver {
  const registers = [registry];
  const requests = new Counter({
    name: 'entrepot_object_storage_requests_total',
    help: 'Requests to object storage, by call and result.',
    labelNames: ['call', 'result'],
    registers,
  });
  const bytes = new Counter({
    name: 'entrepot_object_storage_bytes_total',
    help: 'Bytes that went into object storage and came out of it.',
    labelNames: ['direction'],
    registers,
  });
  return {
    called: (call, result) => requests.inc({ call, result }),
    moved: (direction, count) => bytes.inc({ direction }, count),
  };
}

export const unobserved: ObjectObserver = { called: () => undefined, moved: () => undefined };
