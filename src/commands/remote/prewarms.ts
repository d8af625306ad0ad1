/** `entrepot prewarm`: images that a server fetches into the cache of a virtual registry before anybody asks for them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { CommandRefused } from '../command.ts';
import { showProgress } from '../progress.ts';
import { type Row, rowsOf } from './api-client.ts';
import { registryIdOf } from './registries.ts';
import { type Ask, type Asked, online } from './remote.ts';

const columns = {
  ID: 'id',
  IMAGES: imagesIn,
  WAITING: 'waiting',
  DONE: 'done',
  FAILED: 'failed',
  BYTES: 'bytes',
  'EVERY HOURS': 'every_hours',
  STARTED: 'started_at',
  ENDED: 'ended_at',
  'NEXT RUN': 'next_run_at',
};
const pollMs = 1000;

interface OfRegistry {
  readonly registry?: string;
}

interface NewPrewarm extends OfRegistry {
  readonly platform?: readonly string[];
  readonly every?: string;
  readonly detach?: true;
}

export function addPrewarmCommands(program: Command, ask: Ask): void {
  const prewarm = program.command('prewarm').description('images fetched before anybody asks for them');
  ofRegistry(
    prewarm,
    'start <images...>',
    'fetch images such as library/alpine:3.20 into the cache, and wait for it',
  )
    .option('--platform <platforms...>', 'only for platforms such as linux/arm64 (default: all)')
    .option('--every <hours>', 'again so often (default: once)')
    .option('--detach', 'do not wait for it')
    .action(
      ask(async (asked, images: readonly string[], { registry, platform, every, detach }: NewPrewarm) => {
        const path = await pathOf(asked, registry);
        const body = { images, platforms: platform, every_hours: every };
        const made = await asked.api.send('POST', `${path}/prewarm`, body);
        const { id, registry_id: of } = made;
        const comeBack = `It goes on at the server: entrepot prewarm follow ${id} --registry ${of} shows how far it is.`;
        if (detach) return asked.output.done(made, `Pre-warm ${id}. ${comeBack}`);
        asked.terminal.stderr.write(`${comeBack}\n`);
        await follow(asked, path, String(id));
      }),
    );
  ofRegistry(prewarm, 'list', 'those that go on, are over or are to be repeated').action(
    ask(async (asked, { registry }: OfRegistry) =>
      asked.output.list(await asked.api.list(`${await pathOf(asked, registry)}/prewarms`), columns),
    ),
  );
  ofRegistry(
    prewarm,
    'follow <id>',
    'wait until it is over, and say what has failed; it goes on where this is left',
  ).action(
    ask(async (asked, id: string, { registry }: OfRegistry) =>
      follow(asked, await pathOf(asked, registry), id),
    ),
  );
  ofRegistry(prewarm, 'cancel <id>', 'fetch no more of it; what is in the cache stays').action(
    ask(async (asked, id: string, { registry }: OfRegistry) => {
      await asked.api.send('DELETE', `${await pathOf(asked, registry)}/prewarms/${id}`);
      asked.output.done({ id }, `Pre-warm ${id} is over.`);
    }),
  );
}

function ofRegistry(parent: Command, words: string, description: string): Command {
  return online(parent, words, description).option('--registry <registry>', 'of which virtual registry', '1');
}

async function pathOf({ api }: Asked, registry = '1'): Promise<string> {
  return `/virtual_registries/container/registries/${await registryIdOf(api, registry)}`;
}

/** @throws CommandRefused where an image was not fetched */
async function follow({ api, output, terminal }: Asked, path: string, id: string): Promise<void> {
  const get = () => api.get(`${path}/prewarms/${id}`);
  let prewarm = await get();
  const progress = await showProgress(terminal, 'Fetching images', imagesIn(prewarm));
  let over = 0;
  try {
    for (;;) {
      progress.advance(imagesIn(prewarm) - Number(prewarm['waiting']) - over);
      over = imagesIn(prewarm) - Number(prewarm['waiting']);
      if (prewarm['ended_at'] !== null) break;
      await sleep(pollMs);
      prewarm = await get();
    }
  } finally {
    progress.end();
  }
  const failed = rowsOf(prewarm['images']).filter(({ status }) => status === 'failed');
  if (failed.length > 0)
    throw new CommandRefused(
      [
        `${failed.length} of ${imagesIn(prewarm)} images were not fetched:`,
        ...failed.map(({ image, reason }) => `${image}: ${reason}`),
      ].join('\n'),
    );
  output.done(
    prewarm,
    `All ${imagesIn(prewarm)} images are in the cache; ${prewarm['bytes']} bytes were fetched.`,
  );
}

function imagesIn({ waiting, done, failed }: Row): number {
  return Number(waiting) + Number(done) + Number(failed);
}
