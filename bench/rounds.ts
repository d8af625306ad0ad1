/** Servers measured in turn: whatever the machine does meanwhile, it does to all of them. */
import { median } from '../test/e2e/support/figure.ts';
import type { Contender } from './contender.ts';

/** Of each server, by its name, of each quantity a value per round. */
export type Measured = ReadonlyMap<string, Readonly<Record<string, readonly number[]>>>;

export interface Turns {
  readonly contenders: readonly Contender[];
  readonly rounds: number;
  /** How often at most a server is measured for nothing, until three values of the first quantity are within 5 %. */
  readonly warmUps: number;
  /** @param round from 0 on, negative while warming up: what must be new in each differs by it */
  measure(contender: Contender, round: number): Promise<Readonly<Record<string, number>>>;
}

const agreement = 0.05;

export async function inTurn({ contenders, rounds, warmUps, measure }: Turns): Promise<Measured> {
  for (const contender of contenders) {
    const values: number[] = [];
    for (let round = -1; round >= -warmUps && !agree(values.slice(-3)); round -= 1) {
      values.push(Object.values(await measure(contender, round))[0] ?? 0);
    }
  }
  const measured = new Map<string, Record<string, number[]>>();
  const order = [...contenders];
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of order) {
      addTo(measured, contender.name, await measure(contender, round));
    }
    // Nobody is always the one after the same other.
    order.reverse();
  }
  return measured;
}

export function addTo(
  measured: Map<string, Record<string, number[]>>,
  name: string,
  values: Readonly<Record<string, number>>,
): void {
  const series = measured.get(name) ?? {};
  measured.set(name, series);
  for (const [quantity, value] of Object.entries(values)) {
    series[quantity] = [...(series[quantity] ?? []), value];
  }
}

function agree(values: readonly number[]): boolean {
  if (values.length < 3) return false;
  return Math.max(...values) - Math.min(...values) <= agreement * median(values);
}
