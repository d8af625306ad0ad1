/** Debian's docker-registry (2.8) and distribution 3 (`registry`), which take the same configuration. Their access logs are on, as ours is. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answers, start } from '../../test/e2e/support/processes.ts';
import { freePort } from '../../test/support/free-port.ts';
import { type Contender, type Peer, type Place, pinned, repository } from '../contender.ts';
import { issuer, service, startTokens, type Tokens } from './tokens.ts';

const two: Version = { name: 'docker-registry 2.8', program: 'docker-registry', keys: () => ({}) };
// It names keys otherwise than the second version did.
const three: Version = {
  name: 'distribution 3',
  program: 'registry',
  keys: ({ jwksFile }) => ({ jwks: jwksFile }),
};

export const dockerRegistry = hosting(two);
export const distribution = hosting(three);
export const dockerRegistryProxy = proxying(two);
export const distributionProxy = proxying(three);

interface Version {
  readonly name: string;
  readonly program: string;
  /** What else it must be told of the keys that tokens are signed with. */
  keys(tokens: Tokens): object;
}

function hosting({ name, program, keys }: Version): Peer {
  return {
    name,
    programs: [program, 'openssl'],
    async start(place) {
      const tokens = await startTokens(place.directory);
      const { realm, certificateFile: rootcertbundle } = tokens;
      const config = { auth: { token: { realm, service, issuer, rootcertbundle, ...keys(tokens) } } };
      const registry = await started(name, program, place, config);
      return {
        ...registry,
        authorization: (actions) => tokens.bearer(repository, actions),
        async stop() {
          await registry.stop();
          tokens.stop();
        },
      };
    },
  };
}

function proxying({ name, program }: Version): Peer {
  return {
    name,
    programs: [program],
    start: (place, remoteurl) => started(name, program, place, { proxy: { remoteurl } }),
  };
}

async function started(name: string, program: string, place: Place, config: object): Promise<Contender> {
  const { directory, core, tls } = place;
  mkdirSync(directory, { recursive: true });
  const host = `127.0.0.1:${await freePort()}`;
  const url = `${tls ? 'https' : 'http'}://${host}`;
  const file = join(directory, 'config.json');
  const settings = {
    version: 0.1,
    log: { level: 'info', accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: join(directory, 'storage') } },
    http: { addr: host, ...(tls && { tls }) },
    ...config,
  };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(settings));
  const running = await start(...pinned(core, program, 'serve', file), {
    logFile: join(directory, 'log'),
    isReady: () => answers(`${url}/v2/`),
    env: { OTEL_TRACES_EXPORTER: 'none', ...(core !== undefined && { GOMAXPROCS: '1' }) },
  });
  return {
    name,
    pid: running.pid,
    base: `${url}/v2/${repository}`,
    authorization: async () => undefined,
    stop: () => running.stop(),
  };
}
