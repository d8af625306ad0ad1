/** Whether the server has what it needs, found out whenever somebody reads the metrics. */
import { Gauge, type Registry } from 'prom-client';
import type { CheckResult } from '../../api/operations/readiness.ts';

export interface CheckMetrics {
  /** Whenever the metrics are read from then on: what the server needs. */
  watch(results: () => Promise<readonly CheckResult[]>): void;
}

export function checkMetrics(registry: Registry): CheckMetrics {
  let results: (() => Promise<readonly CheckResult[]>) | undefined;
  new Gauge({
    name: 'entrepot_check',
    help: '1 for what the server needs and has, 0 for what it has not.',
    aggregator: 'min',
    labelNames: ['check'],
    registers: [registry],
    async collect() {
      for (const { name, reason } of (await results?.()) ?? [])
        this.set({ check: name }, Number(reason === undefined));
    },
  });
  return {
    watch(how) {
      results = how;
    },
  };
}
