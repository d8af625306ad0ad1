/** Puts steps of traffic into series that a plot takes: a value for each instant of the period. */
import type { Answer } from '../../api/api.ts';
import type { PlotSeries } from '../../components/plot.tsx';
import { overviewTexts as t } from '../../texts/overview.ts';

type TrafficAnswer = Answer<'GET /admin/traffic'>;

export const periods = ['1h', '24h', '30d'] as const;
export type Period = (typeof periods)[number];

const periodMs: Readonly<Record<Period, number>> = {
  '1h': 3_600_000,
  '24h': 86_400_000,
  '30d': 2_592_000_000,
};
/** Pulls that cost an upstream something; what is hosted has none. */
const missed = ['miss', 'updated'];
/** What there is room for; the rest is one. */
const maxSeries = 6;

export interface Arranged {
  /** When each step began; epoch milliseconds. */
  readonly instants: readonly number[];
  readonly pulls: readonly PlotSeries[];
  readonly requests: readonly PlotSeries[];
  readonly bytes: readonly PlotSeries[];
  readonly fetchedBytes: number;
  readonly savedBytes: number;
  /** Undefined where nothing was pulled through a cache. */
  readonly hitRate: number | undefined;
}

/** @param now epoch milliseconds */
export function arrange({ step_seconds, steps }: TrafficAnswer, period: Period, now: number): Arranged {
  const stepMs = step_seconds * 1000;
  const last = Math.floor(now / stepMs) * stepMs;
  const count = periodMs[period] / stepMs;
  const instants = Array.from({ length: count }, (_, index) => last - (count - 1 - index) * stepMs);
  const values = new Map<string, number[]>();
  for (const { started_at, series, amount } of steps) {
    const index = instants.indexOf(Date.parse(started_at));
    const found = values.get(series) ?? Array.from({ length: count }, () => 0);
    values.set(series, found);
    if (index !== -1) found[index] = (found[index] ?? 0) + amount;
  }
  const below = (kind: string): readonly PlotSeries[] =>
    [...values]
      .filter(([name]) => name.startsWith(`${kind}/`))
      .map(([name, each]) => ({ name: name.slice(kind.length + 1), values: each }))
      .sort((one, other) => sum(other.values) - sum(one.values))
      .slice(0, maxSeries);
  const totalOf = (name: string) => sum(values.get(name) ?? []);
  const pulls = below('pulls');
  const cached = pulls.filter(({ name }) => name !== 'hosted');
  const total = sum(cached.map((each) => sum(each.values)));
  const misses = sum(cached.filter(({ name }) => missed.includes(name)).map((each) => sum(each.values)));
  const none = instants.map(() => 0);
  return {
    instants,
    pulls,
    requests: below('upstream_requests'),
    bytes: [
      { name: t.bytesSeries.fetched, values: values.get('bytes/fetched') ?? none },
      { name: t.bytesSeries.saved, values: values.get('bytes/saved') ?? none },
    ],
    fetchedBytes: totalOf('bytes/fetched'),
    savedBytes: totalOf('bytes/saved'),
    hitRate: total === 0 ? undefined : (total - misses) / total,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
