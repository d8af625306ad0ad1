/** What was counted since the start, of what is kept for people to look back at. It is read where it is counted, so that counting costs nothing more. */
import type { Registry } from 'prom-client';

/** Counters by the series that they become: of these labels a series for each value, of the others the sum. */
const counters = [
  { metric: 'entrepot_pulls_total', series: 'pulls', label: 'outcome' },
  { metric: 'entrepot_upstream_requests_total', series: 'upstream_requests', label: 'result' },
  { metric: 'entrepot_fetched_bytes_total', series: 'bytes/fetched', label: undefined },
  { metric: 'entrepot_saved_bytes_total', series: 'bytes/saved', label: undefined },
  { metric: 'entrepot_served_bytes_total', series: 'bytes/served', label: undefined },
] as const;

/** Totals by their series, such as `pulls/hit`. */
export async function readTrafficTotals(registry: Registry): Promise<ReadonlyMap<string, number>> {
  const totals = new Map<string, number>();
  for (const { metric, series, label } of counters) {
    const { values } = (await registry.getSingleMetric(metric)?.get()) ?? { values: [] };
    for (const { labels, value } of values) {
      const name = label === undefined ? series : `${series}/${labels[label]}`;
      totals.set(name, (totals.get(name) ?? 0) + value);
    }
  }
  return totals;
}
