/** One thing that is measured, and the servers that are started for it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FakeManifest } from '../test/support/fake-content.ts';
import { type Contender, type Peer, present, type TlsFiles } from './contender.ts';
import { give } from './image.ts';
import { startOrigin } from './peers/origin.ts';
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
  /** For servers that are asked over TLS. */
  readonly tls?: TlsFiles;
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
      const { serverCore: core, tls } = stage;
      contenders.push(await peer.start({ directory, core, ...(tls && { tls }) }, origin));
    }
    return await use(contenders);
  } finally {
    await Promise.all(contenders.map((contender) => contender.stop()));
  }
}

/** The same, warm: each has the image as `latest`, pushed to it or at the origin of those that pull through. */
export async function withWarm<T>(
  stage: Stage,
  peers: { readonly hosting: readonly Peer[]; readonly pullingThrough: readonly Peer[] },
  image: FakeManifest,
  use: (contenders: readonly Contender[]) => Promise<T>,
): Promise<T> {
  const { hosting, pullingThrough } = peers;
  const origin = await startOrigin(join(stage.directory, 'origin'), stage.loadCore);
  try {
    await give(origin, image, 'latest');
    return await withContenders(stage, [...pullingThrough, ...hosting], origin.url, async (contenders) => {
      for (const each of contenders) {
        if (hosting.some(({ name }) => name === each.name)) await give(each, image, 'latest');
      }
      return await use(contenders);
    });
  } finally {
    await origin.stop();
  }
}
