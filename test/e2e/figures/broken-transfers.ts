/** What clients get when the upstream breaks off, or sends wrong bytes. */

import { publishedBlobs } from '../support/data-directory.ts';
import { type Figure, type Stage, virtualUrl } from '../support/figure.ts';
import { pull } from '../support/pulling.ts';

const clients = 8;

export async function brokenTransfers(stage: Stage): Promise<Figure[]> {
  return [await cutInTheMiddle(stage), await oneBitFlipped(stage)];
}

async function cutInTheMiddle({ server, upstream, blobBytes }: Stage): Promise<Figure> {
  const repository = 'broken/cut';
  const digest = await upstream.call('addBlob', repository, blobBytes, 31);
  await upstream.call(
    'fault',
    { repository, kind: 'blob', method: 'GET' },
    { cutAfterBytes: blobBytes / 2 },
    1,
  );
  const { authorization } = server;
  const url = virtualUrl(server, repository, 'blobs', digest);
  const answers = await Promise.all(Array.from({ length: clients }, () => pull(url, { authorization })));
  const gets = await upstream.call('requests', { repository, method: 'GET' });
  const ranged = gets.filter(({ range }) => range !== undefined);
  const right = answers.filter((answer) => answer.isComplete && answer.digest === digest).length;
  return {
    what: `the upstream cuts at 50 %, ${clients} clients`,
    bound: 'all complete, 1 ranged request',
    measured: `${right} complete, ${ranged.length} ranged of ${gets.length} GET (${ranged[0]?.range ?? 'none'})`,
    holds: right === clients && ranged.length === 1 && gets.length === 2,
  };
}

async function oneBitFlipped({ server, upstream, blobBytes }: Stage): Promise<Figure> {
  const repository = 'broken/bit';
  const digest = await upstream.call('addBlob', repository, blobBytes, 32);
  await upstream.call(
    'fault',
    { repository, kind: 'blob', method: 'GET' },
    { corruptAt: Math.floor(blobBytes / 3) },
  );
  const { authorization } = server;
  const url = virtualUrl(server, repository, 'blobs', digest);
  const answers = await Promise.all(Array.from({ length: clients }, () => pull(url, { authorization })));
  const complete = answers.filter((answer) => answer.status === 200 && answer.isComplete).length;
  const stored = publishedBlobs(server.dataDirectory).filter(({ hex }) => digest.endsWith(hex)).length;
  await upstream.call('clearFaults');
  const healed = await pull(url, { authorization });
  return {
    what: `one bit flipped, ${clients} clients`,
    bound: '0 complete, nothing stored; right once the upstream is',
    measured: `${complete} complete, ${stored} stored; then ${healed.digest === digest ? 'right' : `wrong (${healed.status})`}`,
    holds: complete === 0 && stored === 0 && healed.isComplete && healed.digest === digest,
  };
}
