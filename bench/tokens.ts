/**
 * What access costs: registry tokens per second for a personal access token, and warm manifests with a bearer token beside the
 * same ones for nobody in particular, round by round in turn. One core for each server and another for the load.
 */
import { join } from 'node:path';
import { DockerRegistry } from '../test/e2e/support/docker-registry.ts';
import { Entrepot } from '../test/e2e/support/entrepot.ts';
import { type Figure, median, printFigures, rowsOf, virtualUrl } from '../test/e2e/support/figure.ts';
import type { Compared } from './comparison.ts';
import { answersPerSecond, cpuSeconds, serverCore } from './load.ts';
import { pushImage, repository, tag } from './warm-content.ts';

export interface TokenOptions {
  readonly directory: string;
  readonly rounds: number;
  /** Of asking for the same thing. */
  readonly seconds: number;
}

const leastTokensPerSecond = 1000;
/** Of the manifests that nobody in particular gets. */
const leastBearerRatio = 0.9;
const layerBytes = 1000;
/** One address asks for more in 15 s than it may by default. */
const unlimited = { ENTREPOT_RATE_LIMITS__REQUESTS: '0' };
const name = `virtual_registries/container/1/${repository}`;

interface Measured {
  readonly tokensPerSecond: number[];
  readonly cpuMsPerToken: number[];
  readonly bearerPerSecond: number[];
  readonly anonymousPerSecond: number[];
}

export async function measureTokens(options: TokenOptions): Promise<Compared> {
  const directory = join(options.directory, 'tokens');
  const storage = join(directory, 'storage');
  const origin = await DockerRegistry.start({ directory: join(directory, 'origin'), storage });
  const servers: Entrepot[] = [];
  const start = async (title: string, env: Readonly<Record<string, string>>) => {
    const server = await Entrepot.start({ directory: join(directory, title), core: serverCore, env });
    servers.push(server);
    await server.setUpstreams(1, [{ url: origin.url, name: 'origin' }]);
    return server;
  };
  try {
    await pushImage(origin.url, layerBytes);
    const closed = await start('closed', unlimited);
    const open = await start('open', { ...unlimited, ENTREPOT_AUTH__REQUIRED: 'false' });
    const figures = figuresOf(await measure(closed, open, options));
    return { rows: rowsOf(figures), holds: printFigures(figures) };
  } finally {
    for (const server of servers) await server.stop();
    await origin.stop();
  }
}

async function measure(
  closed: Entrepot,
  open: Entrepot,
  { rounds, seconds }: TokenOptions,
): Promise<Measured> {
  const { username, password } = await closed.createUser('puller', ['read_virtual_registry'], {
    default: 10,
  });
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const query = new URLSearchParams({ service: 'container_registry', scope: `repository:${name}:pull` });
  const tokenUrl = `http://${closed.host}/jwt/auth?${query}`;
  const manifestUrl = (server: Entrepot) => virtualUrl(server, repository, 'manifests', tag);
  const measured: Measured = {
    tokensPerSecond: [],
    cpuMsPerToken: [],
    bearerPerSecond: [],
    anonymousPerSecond: [],
  };
  const turns = [
    async () => {
      const before = cpuSeconds(closed.program.pid);
      const perSecond = await answersPerSecond(tokenUrl, basic, seconds);
      measured.tokensPerSecond.push(perSecond);
      const spent = cpuSeconds(closed.program.pid) - before;
      measured.cpuMsPerToken.push((spent * 1000) / (perSecond * seconds));
    },
    async () => {
      const authorization = await closed.bearer(name);
      measured.bearerPerSecond.push(await answersPerSecond(manifestUrl(closed), authorization, seconds));
    },
    async () => {
      measured.anonymousPerSecond.push(await answersPerSecond(manifestUrl(open), undefined, seconds));
    },
  ];
  // Once for nothing: both fetch the image, and compile what they run.
  for (const url of [manifestUrl(closed), manifestUrl(open)])
    await answersPerSecond(url, url === manifestUrl(open) ? undefined : await closed.bearer(name), 1);
  for (let round = 0; round < rounds; round += 1) {
    for (const turn of turns) await turn();
    turns.reverse();
  }
  return measured;
}

function figuresOf(measured: Measured): Figure[] {
  const tokens = median(measured.tokensPerSecond);
  const [bearer, anonymous] = [median(measured.bearerPerSecond), median(measured.anonymousPerSecond)];
  const cpuMs = median(measured.cpuMsPerToken).toFixed(2);
  return [
    {
      what: 'tokens from /jwt/auth, with a personal access token',
      bound: `at least ${leastTokensPerSecond}/s`,
      measured: `${tokens.toFixed(0)}/s, ${cpuMs} ms of processor time each`,
      holds: tokens >= leastTokensPerSecond,
    },
    {
      what: 'warm manifests with a bearer token, beside those without credentials (auth.required: false)',
      bound: `at least ${leastBearerRatio} of them`,
      measured: `${bearer.toFixed(0)}/s, ${anonymous.toFixed(0)}/s: ${(bearer / anonymous).toFixed(2)}`,
      holds: bearer >= leastBearerRatio * anonymous,
    },
  ];
}
