/**
 * Counts the changes, by this process, of what decides who may do what: what is believed of it holds for one revision, so that what was
 * acknowledged holds at once. Found by the statements, so that nobody who changes something has to think of it.
 */
import type { DatabaseConnection } from 'kysely';

const tables = [
  'users',
  'groups',
  'members',
  'projects',
  'access_tokens',
  'deploy_tokens',
  'job_tokens',
  'oidc_trusts',
  'virtual_registries',
  'registry_upstreams',
  'upstreams',
  'protection_rules',
];
/** Statements that write these decide who may do what. When a token was last used, which is written all the time, does not. */
const decisive = new RegExp(
  `^(?:insert into|update|delete from) "(?:${tables.join('|')})"(?! set "last_used_at" = )`,
);

export class AccessRevision {
  #current = 0;

  get current(): number {
    return this.#current;
  }

  /** Hears of what a new connection writes: at each statement, and of a transaction once more when it is over. */
  watch(connection: DatabaseConnection): void {
    const execute = connection.executeQuery.bind(connection);
    let isUnderWay = false;
    connection.executeQuery = async (query, options) => {
      const decides = decisive.test(query.sql);
      const isCommit = query.sql === 'commit';
      if (decides) isUnderWay = true;
      try {
        return await execute(query, options);
      } finally {
        // An error counts, too: nobody knows what a connection has done that broke.
        if (decides || (isCommit && isUnderWay)) this.#current += 1;
        if (isCommit || query.sql === 'rollback') isUnderWay = false;
      }
    };
  }
}
