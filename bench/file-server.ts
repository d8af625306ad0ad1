/** nginx with `sendfile`, handing out the files of docker-registry's store: what a blob costs a server that does nothing else. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answers, start } from '../test/e2e/support/processes.ts';
import { freePort } from '../test/support/free-port.ts';
import type { Contender } from './contender.ts';

/** @param storage docker-registry's */
export async function startFileServer(directory: string, storage: string, core?: number): Promise<Contender> {
  mkdirSync(directory, { recursive: true });
  const host = `127.0.0.1:${await freePort()}`;
  const file = join(directory, 'nginx.conf');
  // One process, so that its processor time is all there is.
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${join(directory, 'pid')}; error_log stderr;
events { worker_connections 64; }
http {
  access_log off; sendfile on;
  server { listen ${host}; root ${join(storage, 'docker/registry/v2/blobs')}; location = /-/ready { return 204; } }
}`,
  );
  const pinning = core === undefined ? [] : ['taskset', '-c', String(core)];
  const [command = '', ...args] = [...pinning, 'nginx', '-c', file];
  const program = await start(command, args, {
    logFile: join(directory, 'nginx.log'),
    isReady: () => answers(`http://${host}/-/ready`),
  });
  return {
    name: 'nginx sendfile',
    pid: program.pid,
    manifestUrl: '',
    blobUrl(digest) {
      const hex = digest.slice('sha256:'.length);
      return `http://${host}/sha256/${hex.slice(0, 2)}/${hex}/data`;
    },
    bearer: async () => 'Bearer none',
    stop: () => program.stop(),
  };
}
