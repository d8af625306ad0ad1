/**
 * What a thread does that reads a SQLite database for {@link Reader}: one statement at a time through a connection of its own, which cannot
 * write, and so may take as long as it does. It imports nothing of ours: what it loads is memory of each thread.
 */
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/** A statement, or the next part of its rows. */
export type ReadRequest = { readonly sql: string; readonly parameters: readonly SQLInputValue[] } | 'more';

export type ReadAnswer =
  | { readonly rows: Record<string, SQLOutputValue>[]; readonly isLast: boolean }
  | { readonly failure: { readonly message: string; readonly errcode: number | undefined } };

/** Whoever receives rows is not kept from all else by more of them than this at once. */
const rowsAtOnce = 500;
/** Another process may hold the database while it is made good after a crash: this thread can wait for it. */
const busyTimeoutMs = 10_000;
const maxStatements = 100;

let database: DatabaseSync | undefined;
const statements = new Map<string, StatementSync>();
let rows: NodeJS.Iterator<Record<string, SQLOutputValue>> | undefined;

parentPort?.on('message', (request: ReadRequest) => parentPort?.postMessage(answer(request)));

function answer(request: ReadRequest): ReadAnswer {
  try {
    if (request !== 'more') rows = prepare(request.sql).iterate(...request.parameters);
    return nextPart();
  } catch (error) {
    rows = undefined;
    const { message, errcode } = error as Error & { errcode?: number };
    return { failure: { message, errcode } };
  }
}

function nextPart(): ReadAnswer {
  const part: Record<string, SQLOutputValue>[] = [];
  while (part.length < rowsAtOnce) {
    const next = rows?.next();
    if (next === undefined || next.done) return { rows: part, isLast: true };
    part.push(next.value);
  }
  return { rows: part, isLast: false };
}

function prepare(sql: string): StatementSync {
  database ??= new DatabaseSync(workerData, { readOnly: true, timeout: busyTimeoutMs });
  const known = statements.get(sql);
  if (known) return known;
  const [oldest] = statements.keys();
  if (statements.size === maxStatements && oldest !== undefined) statements.delete(oldest);
  const prepared = database.prepare(sql);
  statements.set(sql, prepared);
  return prepared;
}
