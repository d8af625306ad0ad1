/** What a page of a long list of tags costs, wherever in the list it is. */
import { fakeImage } from '../../support/fake-content.ts';
import { Entrepot } from '../support/entrepot.ts';
import { type Figure, median } from '../support/figure.ts';
import { pull } from '../support/pulling.ts';
import { PushClient } from '../support/pushing.ts';

const project = 'many/tags';
const maxMs = 10;
const pageTags = 100;
const positions = [0, 0.25, 0.5, 0.75, 0.99];

/** @param databaseUrl of an empty database; undefined for SQLite */
export async function tagPages(
  directory: string,
  tags: number,
  runs: number,
  patience: number,
  databaseUrl: string | undefined,
): Promise<Figure[]> {
  const env = databaseUrl === undefined ? {} : { ENTREPOT_DATABASE__URL: databaseUrl, ...secretKey };
  const server = await Entrepot.start({ directory, env });
  try {
    await server.createProject(project);
    const base = `http://${server.host}/v2/${project}`;
    await pushTags(new PushClient(base, server.authorization), tags);
    const medians: number[] = [];
    let complete = true;
    for (const position of positions) {
      const last = nameOf(Math.floor(position * tags));
      const times: number[] = [];
      for (let run = 0; run < runs; run += 1) {
        const answer = await pull(`${base}/tags/list?n=${pageTags}&last=${last}`, {
          authorization: server.authorization,
          hash: false,
        });
        complete &&= answer.status === 200 && answer.isComplete;
        times.push(answer.totalMs);
      }
      medians.push(median(times));
    }
    const worst = Math.max(...medians);
    return [
      {
        what: `a page of ${pageTags} of ${tags} tags on ${databaseUrl === undefined ? 'SQLite' : 'PostgreSQL'}, median of ${runs} at each of ${positions.length} positions, with its connection`,
        bound: `< ${maxMs * patience} ms`,
        measured: `${Math.min(...medians).toFixed(1)} to ${worst.toFixed(1)} ms`,
        holds: complete && worst < maxMs * patience,
      },
    ];
  } finally {
    await server.stop();
  }
}

const secretKey = { ENTREPOT_SECRET_KEY: Buffer.alloc(32, 7).toString('base64') };

/** One manifest with all of them. */
async function pushTags(client: PushClient, tags: number): Promise<void> {
  const image = fakeImage();
  if (!image.config || !(await client.blob(image.config, 'one PUT'))) throw new Error('blob not pushed');
  for (let tag = 0; tag < tags; tag += 1) {
    if (!(await client.manifest(image, nameOf(tag)))) throw new Error(`tag ${tag} not pushed`);
  }
}

function nameOf(tag: number): string {
  return `v${String(tag).padStart(6, '0')}`;
}
