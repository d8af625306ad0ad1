/** Something measured beside its bound, and the table of many. */
import type { Entrepot } from './entrepot.ts';
import type { FakeUpstream } from './fake-upstream.ts';

export interface Figure {
  readonly what: string;
  readonly bound: string;
  readonly measured: string;
  readonly holds: boolean;
}

/** A server whose virtual registry 1 has one upstream. */
export interface Stage {
  readonly server: Entrepot;
  readonly upstream: FakeUpstream;
  /** Of the blob that several clients pull. */
  readonly blobBytes: number;
  /** How often what is measured by the clock is repeated. */
  readonly runs: number;
  /** What bounds on time are multiplied by: 1 on a quiet machine. */
  readonly patience: number;
}

export const megabyte = 1024 * 1024;

/** The path of an image's content below the server's first virtual registry. */
export function virtualUrl(
  server: Entrepot,
  repository: string,
  kind: 'manifests' | 'blobs',
  reference: string,
): string {
  return `http://${server.host}/v2/virtual_registries/container/1/${repository}/${kind}/${reference}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = low] = sorted.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1);
  return (low + high) / 2;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / megabyte).toFixed(bytes % megabyte === 0 ? 0 : 1)} MiB`;
}

export function printTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

export function rowsOf(figures: readonly Figure[]): string[][] {
  const rows = figures.map(({ what, bound, measured, holds }) => [
    what,
    bound,
    measured,
    holds ? 'holds' : 'BROKEN',
  ]);
  return [['what', 'bound', 'measured', ''], ...rows];
}

/** @returns whether all hold */
export function printFigures(figures: readonly Figure[]): boolean {
  printTable(rowsOf(figures));
  return figures.every(({ holds }) => holds);
}

/** Of what is counted. */
export function countFigure(what: string, bound: string, value: number, holds: boolean): Figure {
  return { what, bound, measured: String(value), holds };
}
