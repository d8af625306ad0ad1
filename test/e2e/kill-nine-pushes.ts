/**
 * Kills a server at random points of pushes and starts it again on the same data, each time, and the client goes on: with a bucket at
 * another replica before that. Exits 1 where something acknowledged is missing or wrong, something else is there and wrong, a retry
 * fails, or an upload's bytes outlive their expiry.
 *
 *   node test/e2e/kill-nine-pushes.ts [--storage files|versitygw|minio] [--count 100] [--seed 1] [--layer-mib 24]
 *     [--expiry-seconds 20] [--write]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { machine, markdownTable, writeSection } from '../../bench/performance-page.ts';
import { type FakeManifest, fakeImage, seededBlob, seededBytes } from '../support/fake-content.ts';
import { countFigure, megabyte, printFigures, rowsOf } from './support/figure.ts';
import { MortalServers } from './support/mortal-servers.ts';
import { pull } from './support/pulling.ts';
import { PushClient, type PushStyle, pushStyles } from './support/pushing.ts';

const { values } = parseArgs({
  options: {
    storage: { type: 'string', default: 'files' },
    count: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    'layer-mib': { type: 'string', default: '24' },
    'expiry-seconds': { type: 'string', default: '20' },
    write: { type: 'boolean', default: false },
  },
});
const count = Number(values.count);
/** Fewer kills may all miss what is rare. */
const isMany = count >= 8;
const expirySeconds = Number(values['expiry-seconds']);
const project = 'killed/project';
const abandoned = 5;

/** Something that was pushed, and whether the client was told so. */
interface Pushed {
  readonly kind: 'manifests' | 'blobs';
  readonly reference: string;
  readonly digest: string;
  readonly isAcknowledged: boolean;
}

const seen = {
  acknowledged: 0,
  lost: 0,
  unacknowledged: 0,
  wrong: 0,
  resumed: 0,
  retriesFailed: 0,
  uploadsAtDeath: 0,
};

const directory = mkdtempSync(join(tmpdir(), 'entrepot-kill-'));
const env = { ENTREPOT_HOSTED__UPLOAD_EXPIRY_SECONDS: String(expirySeconds) };
const servers = await MortalServers.start({ storage: values.storage, directory, env });
if (typeof servers === 'string') {
  console.log(servers);
  process.exit(0);
}
/** Who is asked. */
let server = servers.at(0);
let uploadsLeft = Number.NaN;
/** How long the last push took: kills come at its beginning, in its middle and after its end. */
let usualMs = 300;
try {
  await server.createProject(project);
  const acknowledged: Pushed[] = [];
  for (let round = 0; round < count; round += 1) {
    const random = seededBytes(16, Number(values.seed) * 1000 + round);
    const sizes = [0, 4].map(
      (offset) => 1 + Math.floor(fraction(random, offset) * Number(values['layer-mib']) * megabyte),
    );
    const layers = sizes.map((size, index) => seededBlob(size, 10_000 + 10 * round + index));
    const image = fakeImage({ layers, architecture: `round-${round}` });
    const style = pushStyles[round % pushStyles.length] ?? 'one PUT';

    server = servers.at(round);
    const client = clientOf();
    const pushing = pushImage(client, image, `round-${round}`, style);
    await sleep(fraction(random, 8) * 1.2 * usualMs);
    await servers.kill(round);
    const pushed = await pushing;
    seen.uploadsAtDeath += await servers.countUploads();

    if (servers.count === 1) await servers.revive(round);
    server = servers.at(round + 1);
    await judge(pushed);
    await servers.compareStored();
    acknowledged.push(...pushed.filter(({ isAcknowledged }) => isAcknowledged));
    await judge(acknowledged.slice(-12));

    const again = clientOf();
    for (const upload of client.open.slice(0, round % abandoned === 0 ? 0 : undefined)) {
      if (await again.resume(upload)) seen.resumed += 1;
    }
    const retriedAt = performance.now();
    const retried = await pushImage(again, image, `round-${round}`, style);
    usualMs = performance.now() - retriedAt;
    seen.retriesFailed += retried.filter(({ isAcknowledged }) => !isAcknowledged).length;
    await judge(retried);
    acknowledged.push(...retried);
    if (servers.count > 1) await servers.revive(round);
  }
  await judge(acknowledged);
  // One more interval of the task that removes them, and a second for it.
  await sleep((2 * expirySeconds + 1) * 1000);
  uploadsLeft = await servers.countLeft();
} finally {
  await servers.stop();
  rmSync(directory, { recursive: true, force: true });
}

const figures = [
  countFigure('kills', `${count}`, count, true),
  countFigure('acknowledged blobs, manifests and tags', 'some', seen.acknowledged, seen.acknowledged > 0),
  countFigure('acknowledged, and missing or wrong afterwards', '0', seen.lost, seen.lost === 0),
  countFigure('not acknowledged', 'some', seen.unacknowledged, seen.unacknowledged > 0 || !isMany),
  countFigure('not acknowledged, there and wrong', '0', seen.wrong, seen.wrong === 0),
  countFigure('uploads cut by the kills', 'some', seen.uploadsAtDeath, seen.uploadsAtDeath > 0 || !isMany),
  countFigure(
    'uploads resumed and acknowledged after the start',
    'some',
    seen.resumed,
    seen.resumed > 0 || !isMany,
  ),
  countFigure(
    'pushes that failed when they were tried again',
    '0',
    seen.retriesFailed,
    seen.retriesFailed === 0,
  ),
  countFigure(
    'stored blobs, each compared with its digest',
    'some',
    servers.comparedCount,
    servers.comparedCount > 0,
  ),
  countFigure('stored blobs that are wrong', '0', servers.wrong, servers.wrong === 0),
  countFigure('what is left past its time and is no blob', '0', uploadsLeft, uploadsLeft === 0),
];
process.exitCode = printFigures(figures) ? 0 : 1;
if (values.write) {
  const { who, suffix } = servers.told;
  const how = `${who} is killed at random points of pushes and started again on the same data, and the client goes on${suffix && ' at the other one'}. \`npm run test:kill-nine-pushes\``;
  writeSection(
    `push-kills${suffix}`,
    `## Kills during pushes${suffix && ', blobs in S3'}\n\n${how}\n\n${markdownTable(rowsOf(figures))}\n\n${machine()}`,
  );
}

function clientOf(): PushClient {
  return new PushClient(`http://${server.host}/v2/${project}/image`, server.authorization);
}

/** Blobs side by side, as clients do, then the manifest where they are all there. */
async function pushImage(
  client: PushClient,
  image: FakeManifest,
  tag: string,
  style: PushStyle,
): Promise<Pushed[]> {
  const blobs = [...image.layers, ...(image.config ? [image.config] : [])];
  const pushed = await Promise.all(
    blobs.map(async (blob): Promise<Pushed> => {
      const isAcknowledged = await client.blob(blob, style);
      return { kind: 'blobs', reference: blob.digest, digest: blob.digest, isAcknowledged };
    }),
  );
  const isComplete = pushed.every(({ isAcknowledged }) => isAcknowledged);
  const isAcknowledged = isComplete && (await client.manifest(image, tag));
  return [...pushed, { kind: 'manifests', reference: tag, digest: image.digest, isAcknowledged }];
}

/** What was acknowledged is there and right; anything else is absent, or right because only the answer was lost. */
async function judge(pushed: readonly Pushed[]): Promise<void> {
  for (const { kind, reference, digest, isAcknowledged } of pushed) {
    const url = `http://${server.host}/v2/${project}/image/${kind}/${reference}`;
    const answer = await pull(url, { authorization: server.authorization });
    const isRight = answer.isComplete && answer.status === 200 && answer.digest === digest;
    if (isAcknowledged) {
      seen.acknowledged += 1;
      seen.lost += isRight ? 0 : 1;
    } else {
      seen.unacknowledged += 1;
      seen.wrong += isRight || answer.status === 404 ? 0 : 1;
    }
  }
}

/** From 0 up to 1. */
function fraction(random: Buffer, offset: number): number {
  return random.readUInt32LE(offset) / 2 ** 32;
}
