/** A database that grows, and REST clients that read lists all the time: neither may be noticed by those who pull. */
import { join } from 'node:path';
import { Entrepot, rootToken } from '../../test/e2e/support/entrepot.ts';
import { type Contender, repository } from '../contender.ts';
import { give, imageOf } from '../image.ts';
import { rateOf } from '../load.ts';
import { writeManyRecords } from '../many-records.ts';
import { addTo, inTurn, type Measured } from '../rounds.ts';
import type { Scenario, Stage } from '../scenario.ts';
import type { Row } from '../table.ts';

const sizes = [1000, 100_000, 1_000_000];
const pullConnections = 8;
const upstreamId = 1;
const ms = { unit: ' ms', decimals: 1, better: 'less' } as const;

/** What one client asks for in a loop. @param tags of the repository */
const loops: readonly { readonly name: string; readonly path: (ids: Ids) => string }[] = [
  {
    name: 'cache entries, first page',
    path: () => `virtual_registries/container/upstreams/${upstreamId}/cache_entries`,
  },
  {
    name: 'cache entries, searched',
    path: () => `virtual_registries/container/upstreams/${upstreamId}/cache_entries?search=app77`,
  },
  {
    name: 'cache entries, far page',
    path: () => `virtual_registries/container/upstreams/${upstreamId}/cache_entries?page=400&per_page=20`,
  },
  {
    name: 'tags, last page',
    path: ({ projectId, repositoryId, tags }) =>
      `projects/${projectId}/registry/repositories/${repositoryId}/tags?per_page=20&page=${Math.ceil(tags / 20)}`,
  },
  {
    name: 'tags by size, far page',
    path: ({ projectId, repositoryId, tags }) =>
      `projects/${projectId}/registry/repositories/${repositoryId}/tags?order_by=size&page=${Math.ceil(tags / 40)}`,
  },
  {
    name: 'tags, searched',
    path: ({ projectId, repositoryId }) =>
      `projects/${projectId}/registry/repositories/${repositoryId}/tags?search=777`,
  },
  {
    name: 'repositories, searched',
    path: ({ projectId }) => `projects/${projectId}/registry/repositories?search=r77&order_by=size`,
  },
  {
    name: 'repositories with tags_count',
    path: ({ projectId }) => `projects/${projectId}/registry/repositories?tags_count=true&per_page=20`,
  },
];

interface Ids {
  readonly projectId: number;
  readonly repositoryId: number;
  readonly tags: number;
}

export const growth: Scenario = {
  name: 'growth',
  title: 'Large databases',
  lead: (stage) =>
    `SQLite with so many hosted and as many cached manifests, ${sizes.map((size) => scaled(size, stage)).join(', ')}; ${pullConnections} connections pull, and one REST client reads lists in a loop.`,
  rows: (stage) => [
    {
      quantity: 'hotP50',
      what: 'one tag over and over, half within',
      ...ms,
      decimals: 2,
      ratios: { [nameOf(sizes[0] ?? 0, stage)]: 1.3 },
    },
    { quantity: 'hotP99', what: 'and 99 of 100 within', ...ms },
    {
      quantity: 'randomP50',
      what: 'any tag, half within',
      ...ms,
      decimals: 2,
      ratios: { [nameOf(sizes[0] ?? 0, stage)]: 3 },
    },
    { quantity: 'randomP99', what: 'and 99 of 100 within', ...ms, bound: 20 },
    ...loops.flatMap(({ name }): Row[] => [
      { quantity: `${name} pulls`, what: `99 of 100 pulls beside: ${name}`, ...ms },
      {
        quantity: `${name} times idle`,
        what: 'times as long as without',
        unit: ' ×',
        decimals: 1,
        better: 'less',
        bound: 2,
      },
      { quantity: `${name} page`, what: '99 of 100 such pages', ...ms, bound: 20 },
    ]),
  ],
  async measure(stage) {
    const measured = new Map<string, Record<string, number[]>>();
    for (const size of sizes) {
      for (const [name, series] of await measureSize(size, stage))
        for (const [quantity, values] of Object.entries(series))
          for (const value of values) addTo(measured, name, { [quantity]: value });
    }
    return measured;
  },
};

async function measureSize(size: number, stage: Stage): Promise<Measured> {
  const { rounds, serverCore: core } = stage;
  const options = { directory: join(stage.directory, String(size)), ...(core !== undefined && { core }) };
  const first = await Entrepot.start(options);
  await first.createProject(repository);
  const image = imageOf([1000], 9000);
  await give(contenderOf(first, nameOf(size, stage)), image, 'latest');
  await first.stop();
  const manifests = scaled(size, stage);
  const tags = writeManyRecords(first.dataDirectory, { manifests, project: repository, upstreamId });
  const server = await Entrepot.start(options);
  try {
    const ids = { ...(await idsOf(server)), tags };
    return await inTurn({
      contenders: [contenderOf(server, nameOf(size, stage))],
      rounds,
      warmUps: 1,
      measure: (contender) => measureOnce(contender, server, ids, stage),
    });
  } finally {
    await server.stop();
  }
}

async function measureOnce(
  contender: Contender,
  server: Entrepot,
  ids: Ids,
  { seconds, loadCore }: Stage,
): Promise<Record<string, number>> {
  const authorization = await contender.authorization();
  const pulls = (tag: string) =>
    rateOf(contender, {
      url: `${contender.base}/manifests/${tag}`,
      authorization,
      connections: pullConnections,
      seconds,
      isTimed: true,
      core: loadCore,
    });
  const hot = await pulls('latest');
  const random = await pulls(`v{${ids.tags}}`);
  const values: Record<string, number> = {
    hotP50: hot.p50,
    hotP99: hot.p99,
    randomP50: random.p50,
    randomP99: random.p99,
  };
  for (const { name, path } of loops) {
    const pages = rateOf(contender, {
      url: `http://${server.host}/api/v4/${path(ids)}`,
      authorization: `Bearer ${rootToken}`,
      connections: 1,
      seconds,
      isTimed: true,
      core: loadCore,
    });
    const beside = await pulls('latest');
    values[`${name} pulls`] = beside.p99;
    values[`${name} times idle`] = beside.p99 / hot.p99;
    values[`${name} page`] = (await pages).p99;
  }
  return values;
}

function contenderOf(server: Entrepot, name: string): Contender {
  return {
    name,
    pid: server.program.pid,
    base: `http://${server.host}/v2/${repository}`,
    authorization: (actions) => server.bearer(repository, actions),
    stop: () => server.stop(),
  };
}

async function idsOf(server: Entrepot): Promise<Omit<Ids, 'tags'>> {
  const path = `/projects/${encodeURIComponent(repository)}`;
  const project = (await server.rest('GET', path)) as { id: number };
  const found = (await server.rest('GET', `${path}/registry/repositories?per_page=100`)) as {
    id: number;
    path: string;
  }[];
  const own = found.find((each) => each.path === repository);
  if (!own) throw new Error(`${repository} is not on the first page`);
  return { projectId: project.id, repositoryId: own.id };
}

function nameOf(size: number, stage: Stage): string {
  return `Entrepot, ${scaled(size, stage)}`;
}

function scaled(size: number, { scale }: Stage): number {
  return Math.max(1000, Math.round(size * scale));
}
