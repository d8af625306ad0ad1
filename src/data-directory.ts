/** What is where in the data directory, beside the secret key. */
import { join } from 'node:path';

export function databaseFile(dataDirectory: string): string {
  return join(dataDirectory, 'entrepot.db');
}
