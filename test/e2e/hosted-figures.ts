/**
 * What pushes and long lists cost; exits 1 where a bound is broken.
 *
 *   node test/e2e/hosted-figures.ts [--layer-gib 20] [--storage files|versitygw|minio] [--tags 10000] [--runs 50] [--patience 1] [--write]
 *
 * `--patience` multiplies the bounds on time, for machines that do other things too. PostgreSQL is measured where TEST_POSTGRES_URL is set.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine, markdownTable, writeSection } from '../../bench/performance-page.ts';
import { createDatabase } from '../support/postgres-database.ts';
import { pushMemory } from './figures/push-memory.ts';
import { tagPages } from './figures/tag-pages.ts';
import { openBlobPlace } from './support/blob-place.ts';
import { type Figure, megabyte, printFigures, rowsOf } from './support/figure.ts';

const { values } = parseArgs({
  options: {
    'layer-gib': { type: 'string', default: '20' },
    storage: { type: 'string', default: 'files' },
    tags: { type: 'string', default: '10000' },
    runs: { type: 'string', default: '50' },
    patience: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
  },
});
const directory = mkdtempSync(join(tmpdir(), 'entrepot-figures-'));
const place = await openBlobPlace(values.storage, directory);
if (typeof place === 'string') {
  console.log(place);
  process.exit(0);
}
const figures: Figure[] = [];
const pages = (name: string, databaseUrl?: string) =>
  tagPages(
    join(directory, name),
    Number(values.tags),
    Number(values.runs),
    Number(values.patience),
    databaseUrl,
  );
try {
  figures.push(...(await pages('tags')));
  const postgresUrl = process.env['TEST_POSTGRES_URL'];
  if (postgresUrl) {
    const postgres = await createDatabase(postgresUrl);
    figures.push(...(await pages('tags-postgres', postgres.url).finally(() => postgres.drop())));
  } else {
    console.log('not measured on PostgreSQL: TEST_POSTGRES_URL is not set');
  }
  const layerBytes = Number(values['layer-gib']) * 1024 * megabyte;
  figures.push(...(await pushMemory(join(directory, 'push'), layerBytes, place)));
} finally {
  await place.stop();
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = printFigures(figures) ? 0 : 1;
if (values.write) {
  const how = 'Client and server are processes of their own on one machine. `npm run test:hosted-figures`';
  writeSection(
    'hosted',
    `## Hosted repositories\n\n${how}\n\n${markdownTable(rowsOf(figures))}\n\n${machine()}`,
  );
}
