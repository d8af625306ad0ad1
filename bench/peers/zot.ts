/** zot, in its commit mode where it hosts: it syncs to disk what it acknowledges, as the others do. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answers, start } from '../../test/e2e/support/processes.ts';
import { freePort } from '../../test/support/free-port.ts';
import { type Contender, type Peer, type Place, pinned, repository } from '../contender.ts';
import { service, startTokens } from './tokens.ts';

export const zot: Peer = {
  name: 'zot',
  programs: ['zot', 'openssl'],
  async start(place) {
    const tokens = await startTokens(place.directory);
    const bearer = { realm: tokens.realm, service, cert: tokens.certificateFile };
    const server = await started(place, { auth: { bearer } }, {});
    return {
      ...server,
      authorization: (actions) => tokens.bearer(repository, actions),
      async stop() {
        await server.stop();
        tokens.stop();
      },
    };
  },
};

/** Fetches whole images before it answers for their manifest. */
export const zotSync: Peer = {
  name: 'zot',
  programs: ['zot'],
  start(place, origin) {
    const upstream = { urls: [origin], onDemand: true, tlsVerify: false, maxRetries: 1, retryDelay: '1s' };
    const sync = { enable: true, registries: [{ ...upstream, content: [{ prefix: '**' }] }] };
    return started(place, {}, { extensions: { sync } });
  },
};

async function started(place: Place, http: object, more: object): Promise<Contender> {
  const { directory, core, tls } = place;
  mkdirSync(directory, { recursive: true });
  const port = await freePort();
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const file = join(directory, 'config.json');
  const storage = { rootDirectory: join(directory, 'storage'), commit: true, gc: false };
  const log = { level: 'info', output: join(directory, 'zot.log') };
  const settings = {
    distSpecVersion: '1.1.1',
    storage,
    http: {
      address: '127.0.0.1',
      port: String(port),
      ...(tls && { tls: { cert: tls.certificate, key: tls.key } }),
      ...http,
    },
    log,
    ...more,
  };
  writeFileSync(file, JSON.stringify(settings));
  const running = await start(...pinned(core, 'zot', 'serve', file), {
    logFile: join(directory, 'log'),
    isReady: () => answers(`${url}/v2/`),
    ...(core !== undefined && { env: { GOMAXPROCS: '1' } }),
  });
  return {
    name: 'zot',
    pid: running.pid,
    base: `${url}/v2/${repository}`,
    authorization: async () => undefined,
    stop: () => running.stop(),
  };
}
