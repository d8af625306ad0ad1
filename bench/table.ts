/** What was measured as a table: a row for each quantity, a column for each server, and what is promised of us beside them. */
import { median, printTable } from '../test/e2e/support/figure.ts';
import type { Measured } from './rounds.ts';

export interface Row {
  readonly quantity: string;
  readonly what: string;
  readonly unit: string;
  readonly decimals: number;
  /** Which way is better. */
  readonly better: 'more' | 'less';
  /** Ours to that of a server, by its name; one that was not measured is passed over. */
  readonly ratios?: Readonly<Record<string, number>>;
  /** Ours, whatever others do. */
  readonly bound?: number;
}

export interface Table {
  readonly rows: readonly (readonly string[])[];
  /** What is promised and was not reached. */
  readonly shortfalls: readonly string[];
}

/** Ours are those whose name begins so; each of them is held to what is promised. */
const ours = 'Entrepot';

export function tableOf(title: string, rows: readonly Row[], measured: Measured): Table {
  const names = [...measured.keys()].sort((a, b) => Number(b.startsWith(ours)) - Number(a.startsWith(ours)));
  const shortfalls: string[] = [];
  const body = rows.map((row) => {
    const missed = names
      .filter((name) => name.startsWith(ours))
      .flatMap((name) => misses(row, name, measured));
    shortfalls.push(...missed.map((miss) => `${row.what}: ${miss}`));
    return [
      row.what,
      ...names.map((name) => cell(row, valuesOf(measured, name, row))),
      promiseOf(row),
      stateOf(row, missed),
    ];
  });
  const table = [[title, ...names, 'promised', ''], ...body];
  printTable(table);
  return { rows: table, shortfalls };
}

function valuesOf(measured: Measured, name: string, { quantity }: Row): readonly number[] {
  return measured.get(name)?.[quantity] ?? [];
}

/** The median, and what it lies between. */
function cell({ unit, decimals }: Row, values: readonly number[]): string {
  const known = values.filter((value) => !Number.isNaN(value));
  if (known.length === 0) return '';
  const show = (value: number) => value.toFixed(decimals);
  const range = known.length < 2 ? '' : ` (${show(Math.min(...known))}–${show(Math.max(...known))})`;
  return `${show(median(known))}${unit}${range}`;
}

function promiseOf({ better, ratios = {}, bound, unit }: Row): string {
  const side = better === 'more' ? '≥' : '≤';
  const beside = Object.entries(ratios).map(([name, ratio]) => `${ratio} × ${name}`);
  const alone = bound === undefined ? [] : [`${bound}${unit}`];
  const all = [...alone, ...beside];
  return all.length === 0 ? '' : `${side} ${all.join(', ')}`;
}

function stateOf(row: Row, missed: readonly string[]): string {
  if (missed.length > 0) return `short: ${missed.join('; ')}`;
  return promiseOf(row) === '' ? '' : 'holds';
}

function misses(row: Row, name: string, measured: Measured): string[] {
  const mine = median(valuesOf(measured, name, row));
  if (Number.isNaN(mine)) return [];
  const isReached = (bound: number) => (row.better === 'more' ? mine >= bound : mine <= bound);
  const beside = Object.entries(row.ratios ?? {}).flatMap(([peer, ratio]) => {
    const theirs = median(valuesOf(measured, peer, row));
    if (Number.isNaN(theirs) || isReached(ratio * theirs)) return [];
    return [`${name} has ${(mine / theirs).toFixed(2)} × ${peer}`];
  });
  const alone =
    row.bound === undefined || isReached(row.bound) ? [] : [`${name} has ${mine.toFixed(row.decimals)}`];
  return [...alone, ...beside];
}
