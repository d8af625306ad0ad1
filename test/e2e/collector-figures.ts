/**
 * What collecting costs: the time for the same garbage in a small and in a big store, and what pulls notice of it. Exits 1 where a bound
 * is broken.
 *
 *   node test/e2e/collector-figures.ts [--small 10000] [--big 1000000] [--garbage 1000] [--runs 5] [--seconds 8] [--patience 1]
 *
 * `--patience` multiplies the bounds, for machines that do other things too. PostgreSQL is measured where TEST_POSTGRES_URL is set.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createDatabase } from '../support/postgres-database.ts';
import { collectionCost } from './figures/collection-cost.ts';
import { pullsWhileCollecting } from './figures/pulls-while-collecting.ts';
import { type Figure, printFigures } from './support/figure.ts';

const { values } = parseArgs({
  options: {
    small: { type: 'string', default: '10000' },
    big: { type: 'string', default: '1000000' },
    garbage: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '8' },
    patience: { type: 'string', default: '1' },
  },
});
const sizes = { small: Number(values.small), big: Number(values.big), garbage: Number(values.garbage) };
const [runs, seconds, patience] = [Number(values.runs), Number(values.seconds), Number(values.patience)];
const directory = mkdtempSync(join(tmpdir(), 'entrepot-figures-'));
const figures: Figure[] = [];
try {
  const files = (['small', 'big'] as const).map((size) => ({
    url: undefined,
    file: join(directory, `${size}.db`),
  }));
  figures.push(await collectionCost('SQLite', files, sizes, runs, patience));
  figures.push(
    ...(await pullsWhileCollecting('SQLite', join(directory, 'sqlite'), undefined, runs, seconds, patience)),
  );
  const postgresUrl = process.env['TEST_POSTGRES_URL'];
  if (postgresUrl) {
    const databases = await Promise.all([1, 2, 3].map(() => createDatabase(postgresUrl)));
    try {
      const [small, big, served] = databases.map(({ url }) => url);
      const places = [small, big].map((url) => ({ url, file: ':memory:' }));
      figures.push(await collectionCost('PostgreSQL', places, sizes, runs, patience));
      figures.push(
        ...(await pullsWhileCollecting(
          'PostgreSQL',
          join(directory, 'postgres'),
          served,
          runs,
          seconds,
          patience,
        )),
      );
    } finally {
      for (const { drop } of databases) await drop();
    }
  } else {
    console.log('not measured on PostgreSQL: TEST_POSTGRES_URL is not set');
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = printFigures(figures) ? 0 : 1;
