/**
 * What lists of many repositories and the deletion of many tags cost; exits 1 where a bound is broken.
 *
 *   node test/e2e/management-figures.ts [--repositories 200] [--tags 1000] [--bulk-tags 100000] [--runs 30] [--patience 1] [--write]
 *
 * `--patience` multiplies the bounds on time, for machines that do other things too. PostgreSQL is measured where TEST_POSTGRES_URL is set.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine, markdownTable, writeSection } from '../../bench/performance-page.ts';
import { createDatabase } from '../support/postgres-database.ts';
import { managedLists } from './figures/managed-lists.ts';
import { tagDeletion } from './figures/tag-deletion.ts';
import { type Figure, printFigures, rowsOf } from './support/figure.ts';
import { ManyRepositories } from './support/many-repositories.ts';

const { values } = parseArgs({
  options: {
    repositories: { type: 'string', default: '200' },
    tags: { type: 'string', default: '1000' },
    'bulk-tags': { type: 'string', default: '100000' },
    runs: { type: 'string', default: '30' },
    patience: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
  },
});
const directory = mkdtempSync(join(tmpdir(), 'entrepot-figures-'));
const patience = Number(values.patience);
const figures: Figure[] = [];

async function measure(name: string, databaseUrl: string | undefined): Promise<void> {
  await using many = await ManyRepositories.start({
    directory: join(directory, name),
    databaseUrl,
    repositories: Number(values.repositories),
    tags: Number(values.tags),
    bulkTags: Number(values['bulk-tags']),
  });
  figures.push(...(await managedLists(many, Number(values.runs), patience)));
  figures.push(...(await tagDeletion(many, patience)));
}

try {
  await measure('sqlite', undefined);
  const postgresUrl = process.env['TEST_POSTGRES_URL'];
  if (postgresUrl) {
    const postgres = await createDatabase(postgresUrl);
    await measure('postgres', postgres.url).finally(() => postgres.drop());
  } else {
    console.log('not measured on PostgreSQL: TEST_POSTGRES_URL is not set');
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = printFigures(figures) ? 0 : 1;
if (values.write) {
  const how =
    'Client and server are processes of their own on one machine. `npm run test:management-figures`';
  writeSection(
    'management',
    `## Managing repositories\n\n${how}\n\n${markdownTable(rowsOf(figures))}\n\n${machine()}`,
  );
}
