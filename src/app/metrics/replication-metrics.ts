/** What is counted of replication. */
import { Counter, type Registry } from 'prom-client';
import type { ReplicationObserver } from '../../replication/replication-task.ts';

export function replicationMetrics(registry: Registry): ReplicationObserver {
  const registers = [registry];
  const labelNames = ['direction'];
  const tags = new Counter({
    name: 'entrepot_replicated_tags_total',
    help: 'Tags that replication rules looked at, by direction and result: copied, unchanged, deleted, skipped or failed.',
    labelNames: ['direction', 'result'],
    registers,
  });
  const bytes = new Counter({
    name: 'entrepot_replicated_bytes_total',
    help: 'Bytes of blobs that replication rules sent or fetched.',
    labelNames,
    registers,
  });
  return {
    replicated(direction, result, count) {
      tags.inc({ direction, result });
      bytes.inc({ direction }, count);
    },
  };
}
