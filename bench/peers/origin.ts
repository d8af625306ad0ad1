/** An open registry whose blobs nginx hands out, as fast as it can or at a rate, and whose requests are counted. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DockerRegistry } from '../../test/e2e/support/docker-registry.ts';
import { type Contender, repository } from '../contender.ts';
import { startNginx } from './nginx.ts';

export interface Origin extends Contender {
  /** Where those that pull through ask. */
  readonly url: string;
  /** How often this was asked for by GET. */
  gets(reference: string): number;
}

/** @param bytesPerSecond of one blob to one client; undefined: as fast as it goes */
export async function startOrigin(
  directory: string,
  core: number | undefined,
  bytesPerSecond?: number,
): Promise<Origin> {
  const storage = join(directory, 'storage');
  const registry = await DockerRegistry.start({
    directory: join(directory, 'registry'),
    storage,
    ...(core !== undefined && { core }),
  });
  const log = join(directory, 'requests.log');
  const blobs = join(storage, 'docker/registry/v2/blobs/sha256');
  const rate = bytesPerSecond === undefined ? '' : `limit_rate ${bytesPerSecond};`;
  const site = `
    access_log ${log} requests;
    client_max_body_size 0; proxy_request_buffering off; proxy_set_header Host $http_host;
    location ~ ^/v2/.+/blobs/(sha256:(..)[0-9a-f]+)$ { default_type application/octet-stream; add_header Docker-Content-Digest $1; ${rate} rewrite ^/v2/.+/blobs/sha256:((..).+)$ /$2/$1/data break; root ${blobs}; }
    location / { proxy_pass ${registry.url}; }`;
  const format = `log_format requests '$request_method $request_uri $status';`;
  const { url, program } = await startNginx({ directory: join(directory, 'front'), core }, site, format);
  return {
    name: 'direct',
    pid: undefined,
    url,
    base: `${url}/v2/${repository}`,
    authorization: async () => undefined,
    gets: (reference) =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('GET ') && line.includes(`/${reference} `)).length,
    async stop() {
      await program.stop();
      await registry.stop();
    },
  };
}
