/**
 * Kills a server at random points of cold pulls and starts it again on the same data, each time: with a bucket one of two replicas.
 * Exits 1 where a complete answer was ever wrong, a stored blob is not what its name says, a spool outlives the start, or something is
 * left in a bucket past its time.
 *
 *   node test/e2e/kill-nine.ts [--storage files|versitygw|minio] [--count 50] [--seed 1] [--layer-mib 24] [--write]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { machine, markdownTable, writeSection } from '../../bench/performance-page.ts';
import { seededBytes } from '../support/fake-content.ts';
import { FakeUpstream } from './support/fake-upstream.ts';
import { countFigure, megabyte, printFigures, rowsOf, virtualUrl } from './support/figure.ts';
import { MortalServers } from './support/mortal-servers.ts';
import { pull } from './support/pulling.ts';

const { values } = parseArgs({
  options: {
    storage: { type: 'string', default: 'files' },
    count: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    'layer-mib': { type: 'string', default: '24' },
    write: { type: 'boolean', default: false },
  },
});
const count = Number(values.count);
/** Fewer kills may all miss what is rare. */
const isMany = count >= 8;
const repository = 'killed/image';
/** So that a pull takes long enough to be hit anywhere, and its end often. */
const bytesPerSecond = 48 * megabyte;

interface Content {
  readonly kind: 'manifests' | 'blobs';
  readonly reference: string;
  readonly digest: string;
}

/** What happened in all rounds. */
const seen = {
  cutAnswers: 0,
  completeAnswers: 0,
  wrongAnswers: 0,
  spoolsAtDeath: 0,
  spoolsAfterStart: 0,
  left: Number.NaN,
  failures: 0,
};

const directory = mkdtempSync(join(tmpdir(), 'entrepot-kill-'));
const upstream = await FakeUpstream.start();
/** The upstream is stopped on purpose in between; that must not keep the server from asking it again. */
const env = { ENTREPOT_UPSTREAMS__BREAKER_FAILURES: '1000000' };
const servers = await MortalServers.start({ storage: values.storage, directory, env });
if (typeof servers === 'string') {
  console.log(servers);
  await upstream.close();
  process.exit(0);
}
/** Who is asked. */
let server = servers.at(0);
try {
  await server.setUpstreams(1, [{ url: upstream.url, name: 'slow' }]);
  await upstream.call('fault', { kind: 'blob' }, { bytesPerSecond });
  const pulledBefore: Content[] = [];
  for (let round = 0; round < count; round += 1) {
    const random = seededBytes(8, Number(values.seed) * 1000 + round);
    const layerBytes = 1 + Math.floor(fraction(random, 0) * Number(values['layer-mib']) * megabyte);
    const image = await addImage(
      `round-${round}`,
      [layerBytes, Math.ceil(layerBytes / 3)],
      1000 + 10 * round,
    );
    const expectedMs = 50 + (layerBytes / bytesPerSecond) * 1000;
    server = servers.at(round);
    const answers = pullAll(image);
    await sleep(fraction(random, 4) * 1.25 * expectedMs);
    await servers.kill(round);
    await answers;
    seen.spoolsAtDeath += servers.spoolsOf(round);

    await servers.revive(round);
    server = servers.at(round);
    seen.spoolsAfterStart += servers.spoolsOf(round);
    await servers.compareStored();
    pulledBefore.push(...image);
    await upstream.call('stop');
    await pullAll(pulledBefore.slice(-12));
    await upstream.call('start');
    seen.failures += (await pullAll(image)).filter((right) => !right).length;
  }
  seen.failures += (await pullAll(pulledBefore)).filter((right) => !right).length;
  seen.left = await servers.countLeft();
} finally {
  await servers.stop();
  await upstream.close();
  rmSync(directory, { recursive: true, force: true });
}

const figures = [
  countFigure('kills', `${count}`, count, true),
  countFigure('answers that broke off', 'any', seen.cutAnswers, true),
  countFigure(
    'complete answers, each compared with its digest',
    'any',
    seen.completeAnswers,
    seen.completeAnswers > 0,
  ),
  countFigure('complete answers that were wrong', '0', seen.wrongAnswers, seen.wrongAnswers === 0),
  countFigure('spools left by the kills', 'some', seen.spoolsAtDeath, seen.spoolsAtDeath > 0 || !isMany),
  countFigure('spools left after the next start', '0', seen.spoolsAfterStart, seen.spoolsAfterStart === 0),
  countFigure(
    'stored blobs, each compared with its digest',
    'some',
    servers.comparedCount,
    servers.comparedCount > 0,
  ),
  countFigure('stored blobs that are wrong', '0', servers.wrong, servers.wrong === 0),
  countFigure('what is left past its time and is no blob', '0', seen.left, seen.left === 0),
  countFigure('contents that could not be pulled afterwards', '0', seen.failures, seen.failures === 0),
];
process.exitCode = printFigures(figures) ? 0 : 1;
if (values.write) {
  const { who, suffix } = servers.told;
  const how = `${who} is killed at random points of cold pulls and started again on the same data. \`npm run test:kill-nine\``;
  writeSection(
    `kills${suffix}`,
    `## Kills${suffix && ', blobs in S3'}\n\n${how}\n\n${markdownTable(rowsOf(figures))}\n\n${machine()}`,
  );
}

async function addImage(tag: string, layerSizes: readonly number[], seed: number): Promise<Content[]> {
  const image = await upstream.call('addImage', repository, tag, layerSizes, seed);
  const blobs = image.blobs.map(({ digest }): Content => ({ kind: 'blobs', reference: digest, digest }));
  return [{ kind: 'manifests', reference: tag, digest: image.digest }, ...blobs];
}

/** Whether each came complete and right. A complete answer that is wrong is never right, whoever asks when. */
function pullAll(contents: readonly Content[]): Promise<boolean[]> {
  return Promise.all(
    contents.map(async ({ kind, reference, digest }) => {
      const answer = await pull(virtualUrl(server, repository, kind, reference), {
        authorization: server.authorization,
      });
      if (!answer.isComplete || answer.status !== 200) {
        seen.cutAnswers += answer.status === 200 ? 1 : 0;
        return false;
      }
      seen.completeAnswers += 1;
      seen.wrongAnswers += answer.digest === digest ? 0 : 1;
      return answer.digest === digest;
    }),
  );
}

/** From 0 up to 1. */
function fraction(random: Buffer, offset: number): number {
  return random.readUInt32LE(offset) / 2 ** 32;
}
