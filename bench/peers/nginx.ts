/** nginx: files by `sendfile`, and a cache with its lock in front of an origin. It knows nothing of registries: how far bytes alone can be taken. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answers, type RunningProgram, start } from '../../test/e2e/support/processes.ts';
import { freePort } from '../../test/support/free-port.ts';
import { type Contender, type Peer, type Place, pinned, repository } from '../contender.ts';

export const nginx: Peer = {
  name: 'nginx sendfile',
  programs: ['nginx'],
  async start(place) {
    const root = join(place.directory, 'files');
    const { url, program } = await startNginx(place, `root ${root};`);
    return contender('nginx sendfile', url, program, root);
  },
};

export const nginxCache: Peer = {
  name: 'nginx cache',
  programs: ['nginx'],
  async start(place, origin) {
    const { directory } = place;
    const cached = `proxy_pass ${origin}; proxy_cache bench; proxy_cache_lock on; proxy_cache_lock_timeout 1h; proxy_cache_lock_age 1h; proxy_cache_valid 200 1h; proxy_http_version 1.1;`;
    const zone = `proxy_cache_path ${join(directory, 'cache')} keys_zone=bench:10m max_size=100g; proxy_temp_path ${join(directory, 'temporary')};`;
    const { url, program } = await startNginx(place, `location /v2/ { ${cached} }`, zone);
    return contender('nginx cache', url, program);
  },
};

/** One process, so that it has one core as the others have. @param site what its server does @param more settings of http */
export async function startNginx(
  { directory, core, tls }: Place,
  site: string,
  more = '',
): Promise<{ readonly url: string; readonly program: RunningProgram }> {
  mkdirSync(directory, { recursive: true });
  const host = `127.0.0.1:${await freePort()}`;
  const url = `${tls ? 'https' : 'http'}://${host}`;
  const secured = tls ? `ssl_certificate ${tls.certificate}; ssl_certificate_key ${tls.key};` : '';
  const file = join(directory, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${join(directory, 'pid')}; error_log stderr; worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http {
  access_log off; sendfile on; keepalive_requests 1000000000; client_body_temp_path ${join(directory, 'bodies')};
  ${more}
  server { listen ${host} backlog=4096${tls ? ' ssl' : ''}; ${secured} location = /-/ready { return 204; } ${site} }
}`,
  );
  const program = await start(...pinned(core, 'nginx', '-c', file), {
    logFile: join(directory, 'nginx.log'),
    isReady: () => answers(`${url}/-/ready`),
  });
  return { url, program };
}

function contender(name: string, url: string, program: RunningProgram, root?: string): Contender {
  return {
    name,
    pid: program.pid,
    base: `${url}/v2/${repository}`,
    authorization: async () => undefined,
    ...(root !== undefined && { root: join(root, 'v2', repository) }),
    stop: () => program.stop(),
  };
}
