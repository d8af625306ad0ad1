/** No list reads more than it shows: where its index leads, there it begins, whatever is before or after. */
import { type CompiledQuery, Kysely, sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { Database } from '../../src/metadata/db/database.ts';
import { postgresDialect } from '../../src/metadata/db/postgres.ts';
import { RecordRows } from '../../src/metadata/db/record-rows.ts';
import { sqliteDialect } from '../../src/metadata/db/sqlite.ts';
import type { Tables } from '../../src/metadata/db/tables.ts';
import { type DatabasePlace, describeEachDatabase } from '../support/databases.ts';
import { addManyRows } from '../support/many-rows.ts';
import { withTables } from '../support/raw-tables.ts';
import { RestApi } from '../support/rest-api.ts';
import { silentLog } from '../support/silent-log.ts';

const repositories = '/projects/1/registry/repositories';
const entries = '/virtual_registries/container/upstreams/1/cache_entries';

const lists = [
  entries,
  `${entries}?page=500`,
  `${entries}?search=app7`,
  `${entries}?search=app77/manifests/v9`,
  ...['size', 'downloaded_at'].flatMap((order) => [
    `${entries}?page=500&order_by=${order}`,
    `${entries}?search=app7&order_by=${order}`,
    `${entries}?search=app77/manifests/v9&order_by=${order}`,
  ]),
  `${repositories}?tags_count=true`,
  ...['id', 'name', 'size', 'last_published_at', 'last_pulled_at'].flatMap((order) => [
    `${repositories}?page=500&order_by=${order}`,
    `/groups/1/registry/repositories?page=500&order_by=${order}`,
  ]),
  `${repositories}?search=r77`,
  `/groups/1/registry/repositories?search=r1`,
  ...['name', 'size', 'last_published_at', 'last_pulled_at'].map(
    (order) => `${repositories}/1/tags?page=500&order_by=${order}`,
  ),
  `${repositories}/1/tags?search=v77`,
  `${repositories}/1/tags?pagination=keyset&last=v5`,
  `${repositories}/1/tags?pagination=keyset&last=v5&search=77`,
  `${repositories}/1/deleted_tags?page=500`,
  ...['id', 'name', 'path', 'created_at', 'updated_at'].flatMap((order) => [
    `/projects?page=500&order_by=${order}`,
    `/groups/1/projects?page=500&order_by=${order}`,
  ]),
  '/projects',
  '/projects?search=p77',
  '/projects?visibility=public',
  '/projects?pagination=keyset&order_by=id&id_after=5000&sort=asc',
  '/groups?page=500',
  '/groups?search=g77',
  '/groups/1/subgroups?page=500',
  '/groups/1/descendant_groups?page=500',
  '/namespaces?page=500',
  '/users?page=500',
  '/users?search=u77',
  '/users?admins=true',
  '/users?blocked=true',
  '/groups/1/members?page=500',
  '/projects/1/members?page=500',
  '/personal_access_tokens?page=500',
  '/personal_access_tokens?user_id=1&page=500',
  '/deploy_tokens?page=500',
  '/groups/1/deploy_tokens?page=500',
  '/projects/1/deploy_tokens?page=500',
  '/projects/1/job_tokens?page=500',
  '/audit_events?page=500',
  '/audit_events?pagination=keyset',
  ...[
    'entity_type=project',
    'entity_type=project&entity_id=1',
    'event_name=project.update',
    'author_id=1',
  ].map((filter) => `/audit_events?page=500&${filter}`),
  '/groups/1/audit_events?page=500',
  '/projects/1/audit_events?page=500',
  '/projects/1/hooks',
  '/projects/1/hooks/1/events?page=500',
  '/projects/1/hooks/1/events?status=dead',
  '/admin/storage/findings?page=500',
  '/admin/storage/findings?state=open&page=500',
  '/admin/jobs',
  '/admin/processes',
  '/admin/traffic?period=30d',
] as const;

/** Tables that are short whatever happens. */
const short = ['tasks', 'instance', 'processes'];

describeEachDatabase('lists of many', (open, { createPlace, clock, name }) => {
  async function start() {
    const place = await createPlace();
    const database = await open(place);
    const first = await RestApi.start(database, clock);
    const acme = await first.createGroup('acme');
    const project = await first.createProject(acme, 'shop');
    const repository = await database.repositories.ensure(project, 'acme/shop');
    expect([acme, project, repository.id]).toEqual([1, 1, 1]);
    await withTables(place, async (db) => {
      await sql`insert into upstreams (group_id, url, name, cache_validity_hours, allow_patterns, deny_patterns, allow_private_network, created_at, updated_at)
        values (1, 'https://quay.io', 'quay', 24, '[]', '[]', 0, 0, 0)`.execute(db);
      await sql`insert into webhooks (project_id, url, header_names, ignored_actions, ignored_media_types, is_disabled, created_at, updated_at)
        values (1, 'https://example.com', '[]', '[]', '[]', 0, 0, 0)`.execute(db);
      await addManyRows(db, name === 'SQLite' ? 'blob' : 'bytea');
      if (name === 'PostgreSQL') await sql`analyze`.execute(db);
    });
    const { seen, listening } = await openListening(place, () => clock.now);
    return { api: await RestApi.start(listening, clock), seen, place };
  }

  test('begin in an index, and sort no more than is counted', { timeout: 120_000 }, async () => {
    const { api, seen, place } = await start();
    const faults: string[] = [];
    await withTables(place, async (db) => {
      const explain = name === 'SQLite' ? explainSqlite : explainPostgres;
      for (const path of lists) {
        seen.length = 0;
        const { status, body } = await api.ask('GET', path);
        if (status !== 200) faults.push(`${path}: ${status} ${JSON.stringify(body)}`);
        for (const query of seen.splice(0))
          for (const fault of await explain(db, query)) faults.push(`${path}: ${fault} in ${query.sql}`);
      }
    });
    expect(faults).toEqual([]);
  });
});

/** The database again, with what it is asked. */
async function openListening({ url, file }: DatabasePlace, now: () => number) {
  const seen: CompiledQuery[] = [];
  const dialect = url === undefined ? await sqliteDialect(file) : postgresDialect(url, silentLog, 'limited');
  const db = new Kysely<Tables>({
    dialect,
    plugins: [new RecordRows()],
    log: ({ query }) => {
      if (/^(?:select|with) /.test(query.sql.trim())) seen.push(query);
    },
  });
  // Reads past Kysely are of one row each.
  const listening = new Database(db, { now, delayMs: () => 0 }, { direct: dialect });
  onTestFinished(() => listening.close());
  return { seen, listening };
}

/** Without conditions, or where {@link unindexed} says that they leave many, a list goes along its table by number. */
function mayGoAlong({ sql: text }: CompiledQuery): boolean {
  return !text.includes(' where ') || text.includes('coalesce(');
}

/** Rows that were counted are sorted, where {@link unindexed} says that no index is to serve. */
function maySort({ sql: text }: CompiledQuery): boolean {
  return text.slice(text.lastIndexOf(' order by ')).includes('coalesce(');
}

async function explainSqlite(db: Kysely<unknown>, query: CompiledQuery): Promise<string[]> {
  const { rows } = await db.executeQuery<{ detail: string }>({
    ...query,
    sql: `explain query plan ${query.sql}`,
  });
  return rows
    .map(({ detail }) => detail)
    .filter(
      (detail) =>
        (/^SCAN (?!CONSTANT|some$|.*(?:USING|VIRTUAL))/.test(detail) &&
          !short.includes(detail.slice(5)) &&
          !mayGoAlong(query)) ||
        (detail.startsWith('USE TEMP B-TREE FOR') && !maySort(query)),
    );
}

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly Node[];
}

async function explainPostgres(db: Kysely<unknown>, query: CompiledQuery): Promise<string[]> {
  return db.transaction().execute(async (tx) => {
    // What is left then, nothing else can do.
    await sql`set local enable_seqscan = off`.execute(tx);
    await sql`set local enable_sort = off`.execute(tx);
    const explained = { ...query, sql: `explain (format json) ${query.sql}` };
    const { rows } = await tx.executeQuery<{ 'QUERY PLAN': readonly { Plan: Node }[] }>(explained);
    const nodes = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodes)];
    return rows
      .flatMap((row) => row['QUERY PLAN'].flatMap(({ Plan }) => nodes(Plan)))
      .filter(
        (node) =>
          (node['Node Type'] === 'Seq Scan' &&
            !short.includes(node['Relation Name'] ?? '') &&
            !mayGoAlong(query)) ||
          (node['Node Type'].includes('Sort') && !maySort(query)),
      )
      .map((node) => `${node['Node Type']} of ${node['Relation Name'] ?? 'what was found'}`);
  });
}
