/** One server for all tests of a file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { StorageServerName } from './programs.ts';
import { type StorageServer, startStorageServer } from './servers.ts';

/** @returns gives the server, from the first test on */
export function holdStorageServer(name: StorageServerName): () => StorageServer {
  let directory: string;
  let server: StorageServer | undefined;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), `entrepot-${name}-`));
    server = await startStorageServer(name, { directory });
  });

  afterAll(async () => {
    await server?.program.stop();
    await rm(directory, { recursive: true, force: true });
  });

  return () => {
    if (!server) throw new Error(`${name} has not been started yet`);
    return server;
  };
}
