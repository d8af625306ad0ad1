/**
 * Pushes, deletions and pulls by many clients while the collector takes whatever nothing holds a second later. Exits 1 where something
 * that was acknowledged and not deleted is missing or wrong, a request is answered with 5xx, or anything is left in the end.
 *
 *   node test/e2e/collect-under-load.ts [--seconds 180] [--clients 16] [--seed 1] [--database-url postgres://…]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { digestOf } from '../../src/oci/digest.ts';
import {
  bytesBlob,
  type FakeBlob,
  type FakeManifest,
  fakeImage,
  seededBlob,
} from '../support/fake-content.ts';
import { publishedBlobs } from './support/data-directory.ts';
import { Entrepot } from './support/entrepot.ts';
import { countFigure, printFigures } from './support/figure.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '180' },
    clients: { type: 'string', default: '16' },
    seed: { type: 'string', default: '1' },
    'database-url': { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const clients = Number(values.clients);
const project = 'load/project';
const repositories = 4;
/** Shared by all, so that what one deletes another pushes at that moment. */
const layers = Array.from({ length: 12 }, (_, index) => seededBlob(20_000 * (index + 1), index));
/** What one client keeps at most. */
const kept = 8;
/** Where the machine is slow, blobs are gone a second later, before their manifest comes. */
const maxTries = 20;
const leftPatienceMs = 60_000;

interface Pushed {
  readonly url: string;
  readonly tag: string;
  readonly image: FakeManifest;
}

const seen = {
  pushes: 0,
  repeated: 0,
  skipped: 0,
  deletions: 0,
  pulls: 0,
  lost: 0,
  serverErrors: 0,
  refused: 0,
};
const faults: string[] = [];

const directory = mkdtempSync(join(tmpdir(), 'entrepot-collect-'));
const databaseUrl = values['database-url'];
const server = await Entrepot.start({
  directory,
  env: {
    ENTREPOT_GC__REVIEW_AFTER: '1s',
    ENTREPOT_GC__INTERVAL: '0.2',
    ENTREPOT_GC__UNTAGGED: '1s',
    ENTREPOT_GC__REVIEWS_PER_SECOND: '0',
    ...(databaseUrl !== undefined && {
      ENTREPOT_DATABASE__URL: databaseUrl,
      ENTREPOT_SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
    }),
  },
});
let left = Number.NaN;
let collected: unknown;
try {
  await server.createProject(project);
  const endsAt = performance.now() + seconds * 1000;
  await Promise.all(Array.from({ length: clients }, (_, index) => work(index, endsAt)));
  collected = await server.rest('GET', '/admin/gc');
  const patientUntil = performance.now() + leftPatienceMs;
  do {
    await sleep(500);
    left = publishedBlobs(server.dataDirectory).length;
  } while (left > 0 && performance.now() < patientUntil);
} finally {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
}

for (const fault of faults.slice(0, 20)) console.error(fault);
console.log(JSON.stringify(collected));
const isGood = printFigures([
  countFigure('images pushed', 'some', seen.pushes, seen.pushes > 0),
  countFigure('blobs that were there already, and skipped', 'some', seen.skipped, seen.skipped > 0),
  countFigure('pushes told to upload again what they skipped', 'any', seen.repeated, true),
  countFigure('images and tags deleted', 'some', seen.deletions, seen.deletions > 0),
  countFigure('images pulled and compared', 'some', seen.pulls, seen.pulls > 0),
  countFigure('acknowledged, and missing or wrong', '0', seen.lost, seen.lost === 0),
  countFigure('pushes that were refused otherwise', '0', seen.refused, seen.refused === 0),
  countFigure('answers with 5xx', '0', seen.serverErrors, seen.serverErrors === 0),
  countFigure('stored files left when all was deleted', '0', left, left === 0),
]);
process.exitCode = isGood ? 0 : 1;

async function work(client: number, endsAt: number): Promise<void> {
  let state = Number(values.seed) * 1000 + client + 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const own: Pushed[] = [];
  for (let round = 0; performance.now() < endsAt; round += 1) {
    const url = `http://${server.host}/v2/${project}/image-${random(repositories)}`;
    const chosen = [random(layers.length), random(layers.length)].flatMap((index) => layers[index] ?? []);
    const config = bytesBlob(JSON.stringify({ architecture: 'amd64', os: 'linux', client, round }));
    const pushed = {
      url,
      tag: `c${client}-${round}`,
      image: fakeImage({ layers: [...new Set(chosen)], config }),
    };
    if (await push(pushed)) own.push(pushed);
    for (let pulls = random(3); pulls > 0; pulls -= 1) {
      const other = own[random(own.length)];
      if (other) await compare(other);
    }
    while (own.length > random(kept)) await remove(own, random(own.length), random(2) === 0);
  }
  for (const each of own) await compare(each);
  while (own.length > 0) await remove(own, 0, true);
}

/** As clients do: what is there is skipped; whoever is told that it has gone meanwhile uploads all. */
async function push({ url, tag, image }: Pushed): Promise<boolean> {
  const blobs = [...image.layers, ...(image.config ? [image.config] : [])];
  for (let tries = 1; tries <= maxTries; tries += 1) {
    for (const blob of blobs) {
      const isThere = tries === 1 && (await ask('HEAD', `${url}/blobs/${blob.digest}`))?.status === 200;
      if (isThere) seen.skipped += 1;
      else if (!(await upload(url, blob))) return false;
    }
    const headers = { 'content-type': image.mediaType };
    const answer = await ask('PUT', `${url}/manifests/${tag}`, image.payload, headers);
    if (answer?.status === 201) {
      seen.pushes += 1;
      return true;
    }
    if (answer?.status !== 404 && answer?.status !== 400) return refuse(`PUT ${tag}: ${answer?.status}`);
    seen.repeated += 1;
  }
  return refuse(`PUT ${tag}: its blobs were gone each time`);
}

async function upload(url: string, blob: FakeBlob): Promise<boolean> {
  const started = await ask('POST', `${url}/blobs/uploads/`);
  const location = started?.headers.get('location');
  if (started?.status !== 202 || !location) return refuse(`POST: ${started?.status}`);
  const target = new URL(location, url);
  target.searchParams.set('digest', blob.digest);
  const answer = await ask('PUT', target.href, Buffer.concat([...blob.read(0, blob.size)]));
  return answer?.status === 201 || refuse(`PUT ${blob.digest}: ${answer?.status} ${await answer?.text()}`);
}

async function compare({ url, tag, image }: Pushed): Promise<void> {
  seen.pulls += 1;
  const paths = [
    `manifests/${tag}`,
    ...[...image.layers, image.config].flatMap((blob) => (blob ? [`blobs/${blob.digest}`] : [])),
  ];
  for (const path of paths) {
    const answer = await ask('GET', `${url}/${path}`);
    const digest = answer?.status === 200 ? digestOf(Buffer.from(await answer.arrayBuffer())) : undefined;
    if (digest === (path.startsWith('blobs/') ? path.slice('blobs/'.length) : image.digest)) continue;
    seen.lost += 1;
    faults.push(`lost: ${url}/${path}: ${answer?.status} ${digest}`);
  }
}

async function remove(own: Pushed[], index: number, isManifest: boolean): Promise<void> {
  const [pushed] = own.splice(index, 1);
  if (!pushed) return;
  seen.deletions += 1;
  const { url, tag, image } = pushed;
  const answer = await ask('DELETE', `${url}/manifests/${isManifest ? image.digest : tag}`);
  if (answer?.status !== 202) refuse(`DELETE ${tag}: ${answer?.status}`);
}

function refuse(fault: string): false {
  seen.refused += 1;
  faults.push(fault);
  return false;
}

async function ask(
  method: string,
  url: string,
  body?: Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response | undefined> {
  try {
    const answer = await fetch(url, {
      method,
      headers: { authorization: server.authorization, ...headers },
      ...(body && { body: new Uint8Array(body) }),
    });
    if (answer.status >= 500) {
      seen.serverErrors += 1;
      faults.push(`${method} ${url}: ${answer.status}`);
    }
    return answer;
  } catch (error) {
    faults.push(`${method} ${url}: ${error}`);
    return undefined;
  }
}
