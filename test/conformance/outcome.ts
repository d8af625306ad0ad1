/** One run of the suite against a server of its own. */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Entrepot } from '../e2e/support/entrepot.ts';
import { createDatabase } from '../support/postgres-database.ts';
import { createProjects, type Kind } from './kinds.ts';
import type { Report } from './report.ts';
import { runSuite, type Suite } from './suite.ts';

export interface Outcome {
  readonly kind: string;
  readonly database: 'SQLite' | 'PostgreSQL';
  readonly report: Report;
}

/** A server on PostgreSQL makes none by itself. */
const secretKey = randomBytes(32).toString('base64');

export interface RunPlace {
  /** For the server's data and the suite's reports. */
  readonly directory: string;
  /** A superuser's, beside whose database one is made; undefined: SQLite. */
  readonly postgresUrl: string | undefined;
}

/** @throws Error where the server does not start, or the suite leaves no result table */
export async function runKind(suite: Suite, kind: Kind, place: RunPlace): Promise<Outcome> {
  const { directory, postgresUrl } = place;
  mkdirSync(directory, { recursive: true });
  const postgres = postgresUrl === undefined ? undefined : await createDatabase(postgresUrl);
  try {
    const server = await Entrepot.start({
      directory,
      env: {
        ENTREPOT_AUTH__REQUIRED: String(kind.isLoginRequired),
        ENTREPOT_HOSTED__SPARSE_MANIFESTS: 'all',
        ...(postgres && { ENTREPOT_DATABASE__URL: postgres.url, ENTREPOT_SECRET_KEY: secretKey }),
      },
    });
    try {
      await createProjects(server);
      const settings = await kind.prepare(server);
      const run = { registry: server.host, settings, directory: join(directory, 'results') };
      const report = await runSuite(suite, run);
      return { kind: kind.name, database: postgres ? 'PostgreSQL' : 'SQLite', report };
    } finally {
      await server.stop();
    }
  } finally {
    await postgres?.drop();
  }
}
