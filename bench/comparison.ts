/** Two servers measured in the same run, their medians as a ratio beside a bound. */
import { median, printTable } from '../test/e2e/support/figure.ts';

/** What was measured of one server: of each quantity a value per round. */
export type Series<Quantity extends string> = Readonly<Record<Quantity, number[]>>;

export interface Bound<Quantity extends string> {
  readonly quantity: Quantity;
  readonly what: string;
  readonly unit: string;
  readonly decimals: number;
  readonly side: 'at least' | 'at most';
  /** Ours to theirs. */
  readonly ratio: number;
}

export interface Compared {
  readonly rows: readonly (readonly string[])[];
  /** Whether all bounds do. */
  readonly holds: boolean;
}

export function newSeries<Quantity extends string>(bounds: readonly Bound<Quantity>[]): Series<Quantity> {
  const series: Partial<Record<Quantity, number[]>> = {};
  for (const { quantity } of bounds) series[quantity] = [];
  return series as Series<Quantity>;
}

/** @param beside a third server, which no bound speaks of */
export function compare<Quantity extends string>(
  title: string,
  bounds: readonly Bound<Quantity>[],
  ours: Series<Quantity>,
  theirs: Series<Quantity>,
  beside?: { readonly name: string; readonly series: Series<Quantity> },
): Compared {
  let holds = true;
  const body = bounds.map(({ quantity, what, unit, decimals, side, ratio }) => {
    const measured = median(ours[quantity]) / median(theirs[quantity]);
    const isHeld = side === 'at least' ? measured >= ratio : measured <= ratio;
    holds &&= isHeld;
    const show = (values: readonly number[]) =>
      values.length === 0 ? '' : `${median(values).toFixed(decimals)}${unit}`;
    return [
      what,
      show(ours[quantity]),
      show(theirs[quantity]),
      measured.toFixed(2),
      `${side} ${ratio}`,
      isHeld ? 'holds' : 'BROKEN',
      ...(beside ? [show(beside.series[quantity])] : []),
    ];
  });
  const head = [title, 'Entrepot', 'docker-registry', 'ratio', 'bound', '', ...(beside ? [beside.name] : [])];
  const rows = [head, ...body];
  printTable(rows);
  return { rows, holds };
}
