import { expect, test } from 'vitest';
import type { StorageServerName } from '../support/storage-servers/programs.ts';
import { startStorageServer, whyMissing } from '../support/storage-servers/servers.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const names: readonly StorageServerName[] = ['versitygw', 'azurite', 'fake-gcs-server', 'minio'];

test.for(names)('%s starts beside another one, and ends', async (name, { skip }) => {
  skip(whyMissing(name) !== undefined, whyMissing(name));
  const directories = [await temporaryDirectory(), await temporaryDirectory()];
  const servers = await Promise.all(directories.map((directory) => startStorageServer(name, { directory })));
  for (const { endpoint, program } of servers) {
    expect((await fetch(endpoint)).status).toBeLessThan(500);
    await program.stop();
    await expect(fetch(endpoint)).rejects.toThrow();
  }
});
