/** An image of forty layers by skopeo, as a client has it: cold, warm, and by eight clients. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../test/e2e/support/processes.ts';
import { type Contender, pinned } from '../contender.ts';
import { give, imageOf } from '../image.ts';
import { startOrigin } from '../peers/origin.ts';
import { pullThrough, withDirect } from '../peers/pull-through.ts';
import { inTurn } from '../rounds.ts';
import { type Scenario, type Stage, withContenders } from '../scenario.ts';

const layers = 40;
const layerBytes = 512 * 1024;
const everyPeer = { zot: 1, 'distribution 3': 1, 'docker-registry 2.8': 1 };
const seconds = { unit: ' s', decimals: 2, better: 'less', ratios: everyPeer } as const;

export const manyLayers: Scenario = {
  name: 'layers',
  title: 'An image of many layers',
  lead: () => `${layers} layers of ${layerBytes / 1024} KiB by skopeo, into a directory.`,
  rows: () => [
    { quantity: 'cold', what: 'cold', ...seconds },
    { quantity: 'warm', what: 'warm', ...seconds },
    { quantity: 'cold8', what: 'cold, 8 clients at once', ...seconds },
    { quantity: 'warm8', what: 'warm, 8 clients at once', ...seconds },
  ],
  async measure(stage) {
    const origin = await startOrigin(join(stage.directory, 'origin'), stage.loadCore);
    // nginx has no registry's API, and skopeo asks for that first.
    const registries = pullThrough.filter(({ name }) => name !== 'nginx cache');
    try {
      return await withContenders(stage, registries, origin.url, async (contenders) => {
        const given = new Set<string>();
        return await inTurn({
          contenders: withDirect(contenders, origin),
          rounds: stage.rounds,
          warmUps: 1,
          async measure(contender, round) {
            const tags = [`one${round}`, `eight${round}`] as const;
            for (const [index, tag] of tags.entries()) {
              if (given.has(tag)) continue;
              given.add(tag);
              const seed = 6000 + 2 * round + index;
              await give(
                origin,
                imageOf(
                  Array.from({ length: layers }).map(() => layerBytes),
                  seed,
                ),
                tag,
              );
            }
            const [one, eight] = tags;
            return {
              cold: await copy(contender, one, 1, stage),
              warm: await copy(contender, one, 1, stage),
              cold8: await copy(contender, eight, 8, stage),
              warm8: await copy(contender, eight, 8, stage),
            };
          },
        });
      });
    } finally {
      await origin.stop();
    }
  },
};

/** In seconds, until the last client has all. */
async function copy(contender: Contender, tag: string, clients: number, stage: Stage): Promise<number> {
  const authorization = await contender.authorization();
  const token = authorization?.replace('Bearer ', '');
  const source = `${contender.base.replace('http://', 'docker://').replace('/v2/', '/')}:${tag}`;
  const flags = ['--src-tls-verify=false', ...(token === undefined ? [] : ['--src-registry-token', token])];
  const scratch = mkdtempSync(join(stage.directory, 'copies-'));
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: clients }, (_, client) => {
      const command = ['skopeo', 'copy', '-q', ...flags, source, `dir:${join(scratch, String(client))}`];
      return run(...pinned(stage.loadCore, ...command));
    }),
  );
  const took = (performance.now() - startedAt) / 1000;
  rmSync(scratch, { recursive: true });
  return took;
}
