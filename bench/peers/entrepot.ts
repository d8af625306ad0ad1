/** Entrepot as `npm start` runs it, with bearer tokens and its log line per request, once per way to serve. */
import { randomBytes } from 'node:crypto';
import { Entrepot } from '../../test/e2e/support/entrepot.ts';
import { type Contender, type Peer, type Place, repository } from '../contender.ts';

export const hosted: Peer = {
  name: 'Entrepot hosted',
  programs: [],
  async start(place) {
    const server = await started(place);
    await server.createProject(repository);
    return contender('Entrepot hosted', server, repository);
  },
};

export const virtual: Peer = {
  name: 'Entrepot virtual',
  programs: [],
  async start(place, origin) {
    const server = await started(place);
    await server.setUpstreams(1, [{ url: origin, name: 'origin' }]);
    return contender('Entrepot virtual', server, `virtual_registries/container/1/${repository}`);
  },
};

/** So many processes, which share the load. */
export function hostedByWorkers(name: string, workers: number): Peer {
  return {
    name,
    programs: [],
    async start(place) {
      const server = await started(place, { ENTREPOT_HTTP__WORKERS: String(workers) });
      await server.createProject(repository);
      return contender(name, server, repository);
    },
  };
}

function started(
  { directory, core, tls, databaseUrl }: Place,
  environment: Readonly<Record<string, string>> = {},
): Promise<Entrepot> {
  return Entrepot.start({
    directory,
    ...(core !== undefined && { core }),
    ...(tls && { tls }),
    env: {
      ...environment,
      ...(databaseUrl !== undefined && {
        ENTREPOT_DATABASE__URL: databaseUrl,
        ENTREPOT_SECRET_KEY: randomBytes(32).toString('base64'),
      }),
    },
  });
}

function contender(name: string, server: Entrepot, path: string): Contender {
  return {
    name,
    pid: server.program.pid,
    base: `${server.url}/v2/${path}`,
    authorization: (actions) => server.bearer(path, actions),
    startedInMs: server.startedInMs,
    stop: () => server.stop(),
  };
}
