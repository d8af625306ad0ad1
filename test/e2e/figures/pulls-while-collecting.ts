/** How long pulls of a hosted image take while the collector works at its usual pace, and while it does not. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { fakeImage, seededBlob } from '../../support/fake-content.ts';
import { Entrepot } from '../support/entrepot.ts';
import { type Figure, median } from '../support/figure.ts';
import { PushClient } from '../support/pushing.ts';
import { execute, garbage } from './raw-rows.ts';

const maxRatio = 1.5;
const clients = 4;
/** More than the collector takes in the time of a measurement. */
const garbagePerSecond = 250;
const queues = z.object({ queues: z.record(z.string(), z.object({ due: z.number() })) });

export async function pullsWhileCollecting(
  name: string,
  directory: string,
  databaseUrl: string | undefined,
  runs: number,
  seconds: number,
  patience: number,
): Promise<readonly Figure[]> {
  const server = await Entrepot.start({
    directory,
    env: {
      // It looks when it is told to.
      ENTREPOT_GC__INTERVAL: '20d',
      ...(databaseUrl !== undefined && {
        ENTREPOT_DATABASE__URL: databaseUrl,
        ENTREPOT_SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
      }),
    },
  });
  const place = { url: databaseUrl, file: join(server.dataDirectory, 'entrepot.db') };
  try {
    await server.createProject('acme/shop');
    const image = fakeImage({ layers: [seededBlob(100_000, 1), seededBlob(100_000, 2)] });
    const url = `http://${server.host}/v2/acme/shop`;
    const client = new PushClient(url, server.authorization);
    const blobs = [...image.layers, ...(image.config ? [image.config] : [])];
    for (const blob of blobs) await client.blob(blob, 'one PUT');
    await client.manifest(image, 'v1');
    const paths = ['manifests/v1', ...blobs.map(({ digest }) => `blobs/${digest}`)];
    await p99(server, url, paths, seconds);
    const [idle, busy]: [number[], number[]] = [[], []];
    for (let run = 0; run < runs; run += 1) {
      idle.push(await p99(server, url, paths, seconds));
      await execute(place, garbage(place, 1, run * 1_000_000, garbagePerSecond * seconds));
      await server.rest('POST', '/admin/gc');
      busy.push(await p99(server, url, paths, seconds));
      if ((await due(server)) === 0) throw new Error('the collector was done before the measurement');
      while ((await due(server)) > 0) await sleep(200);
    }
    const ratio = median(busy) / median(idle);
    return [
      {
        what: `${name}: p99 of a warm pull while collecting`,
        bound: `${maxRatio * patience} × of idle`,
        measured: `${ratio.toFixed(2)} × (${median(busy).toFixed(1)} ms, ${median(idle).toFixed(1)} ms)`,
        holds: ratio <= maxRatio * patience,
      },
    ];
  } finally {
    await server.stop();
  }
}

async function due(server: Entrepot): Promise<number> {
  const state = queues.parse(await server.rest('GET', '/admin/gc'));
  return Object.values(state.queues).reduce((sum, queue) => sum + queue.due, 0);
}

/** Of a pull of the manifest and all blobs, in milliseconds. */
async function p99(
  { authorization }: Entrepot,
  url: string,
  paths: readonly string[],
  seconds: number,
): Promise<number> {
  const times: number[] = [];
  const endsAt = performance.now() + seconds * 1000;
  const pullOn = async () => {
    while (performance.now() < endsAt) {
      const startedAt = performance.now();
      for (const path of paths) {
        const answer = await fetch(`${url}/${path}`, { headers: { authorization } });
        if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
        await answer.arrayBuffer();
      }
      times.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: clients }, pullOn));
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;
}
