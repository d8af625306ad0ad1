/** What a page of each list of repositories and tags costs. */
import { type Figure, median } from '../support/figure.ts';
import { type ManyRepositories, tagName } from '../support/many-repositories.ts';
import { pull } from '../support/pulling.ts';

const maxMs = 20;

export async function managedLists(
  { server, options, firstId, bulkId, databaseName }: ManyRepositories,
  runs: number,
  patience: number,
): Promise<Figure[]> {
  const { repositories, tags, bulkTags } = options;
  const lastPage = Math.max(1, Math.floor(repositories / 100));
  const ofProject = (path: string) => `/projects/${encodeURIComponent(path)}/registry/repositories`;
  const many = (index: number) => `many/repositories/r${index}`;
  const tagsOf = `${ofProject(many(0))}/${firstId}/tags`;
  const bulk = `${ofProject('many/tags')}/${bulkId}/tags`;
  const lists = [
    '/groups/many/registry/repositories',
    `/groups/many/registry/repositories?per_page=100&page=${lastPage}`,
    '/groups/many/registry/repositories?per_page=100&order_by=size',
    '/groups/many/registry/repositories?per_page=100&order_by=last_published_at',
    '/groups/many/registry/repositories?search=r1',
    `${ofProject(many(1))}?tags_count=true`,
    `/registry/repositories/${firstId}?tags_count=true`,
    `${tagsOf}?per_page=100`,
    `${tagsOf}?per_page=100&page=${Math.max(1, Math.floor(tags / 100))}`,
    `${tagsOf}?per_page=100&order_by=size`,
    `${tagsOf}?per_page=100&order_by=last_published_at`,
    `${tagsOf}?per_page=100&order_by=last_pulled_at`,
    `${tagsOf}?search=999`,
    `${tagsOf}?pagination=keyset&per_page=100&last=${tagName(Math.floor(tags / 2))}`,
    `${tagsOf}/${tagName(0)}`,
    `${bulk}?pagination=keyset&per_page=100&last=${tagName(Math.floor(bulkTags / 2))}&sort=desc`,
  ];
  const medians: [string, number][] = [];
  let complete = true;
  for (const path of lists) {
    const times: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      const answer = await pull(`http://${server.host}/api/v4${path}`, {
        authorization: `Bearer ${rootTokenOf(server.authorization)}`,
        hash: false,
      });
      complete &&= answer.status === 200 && answer.isComplete;
      times.push(answer.totalMs);
    }
    medians.push([path, median(times)]);
  }
  const [slowest = ['', Number.NaN]] = medians.toSorted(([, a], [, b]) => b - a);
  return [
    {
      what: `a page of a list, ${repositories} repositories with ${tags} tags each on ${databaseName}, median of ${runs} for each of ${lists.length} lists, with its connection`,
      bound: `< ${maxMs * patience} ms`,
      measured: `${Math.min(...medians.map(([, ms]) => ms)).toFixed(1)} to ${slowest[1].toFixed(1)} ms (${slowest[0]})`,
      holds: complete && slowest[1] < maxMs * patience,
    },
  ];
}

/** The REST API takes it as Bearer. */
function rootTokenOf(authorization: string): string {
  const [, password = ''] = Buffer.from(authorization.slice('Basic '.length), 'base64').toString().split(':');
  return password;
}
