/** A copy of a SQLite database as it is at one moment, while others write to it. */
import { DatabaseSync } from 'node:sqlite';

/** @param to must not exist. @throws Error where it cannot be read or written */
export function copySqlite(file: string, to: string): void {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
  try {
    database.prepare('vacuum into ?').run(to);
  } finally {
    database.close();
  }
}
