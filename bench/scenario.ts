/** One thing that is measured, and the servers that are started for it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Contender, type Peer, present } from './contender.ts';
import type { Measured } from './rounds.ts';
import type { Row } from './table.ts';

export interface Scenario {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  /** What is asked of whom, for people. */
  lead(stage: Stage): string;
  rows(stage: Stage): readonly Row[];
  measure(stage: Stage): Promise<Measured>;
}

export interface Stage {
  /** Empty; for this scenario alone. */
  readonly directory: string;
  readonly rounds: number;
  readonly warmUps: number;
  /** How long a rate is measured. */
  readonly seconds: number;
  /** What sizes and counts are multiplied by: 1, less in a hurry. */
  readonly scale: number;
  /** Core of each server, and of the load; undefined: any. */
  readonly serverCore: number | undefined;
  readonly loadCore: number | undefined;
}

/** Starts all that are here, and stops them after `use`. @param origin for those that pull through */
export async function withContenders<T>(
  stage: Stage,
  peers: readonly Peer[],
  origin: string,
  use: (contenders: readonly Contender[]) => Promise<T>,
): Promise<T> {
  const contenders: Contender[] = [];
  try {
    for (const peer of await present(peers)) {
      const directory = join(stage.directory, peer.name.replaceAll(/\W+/g, '-'));
      mkdirSync(directory, { recursive: true });
      contenders.push(await peer.start({ directory, core: stage.serverCore }, origin));
    }
    return await use(contenders);
  } finally {
    await Promise.all(contenders.map((contender) => contender.stop()));
  }
}
