/** A database of one's own, beside the one that a superuser's URL names. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';

export interface OwnDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

export interface OwnDatabaseOptions {
  /** By default one that nobody has. */
  readonly name?: string;
  /** The database that it is a copy of; by default it is empty. */
  readonly template?: string | undefined;
}

/** What databases that others are copied of are called in this run, which drops them at its end. */
export function templatePrefix(): string {
  return `entrepot_template_${process.env['TEST_RUN'] ?? 'alone'}_`;
}

export async function createDatabase(
  serverUrl: string,
  {
    name = `entrepot_test_${randomBytes(8).toString('hex')}`,
    template = 'template0',
  }: OwnDatabaseOptions = {},
): Promise<OwnDatabase> {
  await execute(serverUrl, `create database ${name} template ${template}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: async () => void (await execute(serverUrl, `drop database ${name} with (force)`)),
  };
}

export async function dropTemplates(serverUrl: string): Promise<void> {
  const pattern = `${templatePrefix().replaceAll('_', '\\_')}%`;
  const names = await execute(serverUrl, 'select datname from pg_database where datname like $1', [pattern]);
  for (const { datname } of names) await execute(serverUrl, `drop database ${datname} with (force)`);
}

async function execute(
  url: string,
  statement: string,
  values: readonly string[] = [],
): Promise<{ datname: string }[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement, [...values])).rows;
  } finally {
    await client.end();
  }
}
