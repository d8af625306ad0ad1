/** How long the deletion of many tags in one request takes in the background, and what pulls notice of it. */
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from '../support/figure.ts';
import { type ManyRepositories, tagName, tagsPerImage } from '../support/many-repositories.ts';

const maxSeconds = 60;
const maxRatio = 2;
const pullsPerSecond = 200;
const quietMs = 15_000;

export async function tagDeletion(many: ManyRepositories, patience: number): Promise<Figure[]> {
  const { server, bulkId, options, databaseName } = many;
  const before = await pullFor(many, (startedAt) => performance.now() - startedAt > quietMs);
  const path = `/projects/many%2Ftags/registry/repositories/${bulkId}`;
  const startedAt = performance.now();
  await server.rest('DELETE', `${path}/tags`, { name_regex_delete: '.*', name_regex_keep: tagName(0) });
  let isOver = false;
  const waiting = (async () => {
    while (!isOver) {
      await sleep(250);
      const rest = await server.rest('GET', `/registry/repositories/${bulkId}?tags_count=true`);
      isOver = typeof rest === 'object' && rest !== null && 'tags_count' in rest && rest.tags_count === 1;
      if (performance.now() - startedAt > maxSeconds * 1000 * patience * 2) break;
    }
    isOver = true;
    return (performance.now() - startedAt) / 1000;
  })();
  const during = await pullFor(many, () => isOver);
  const seconds = await waiting;
  const [quiet, busy] = [percentile(before.times, 0.99), percentile(during.times, 0.99)];
  const of = `${options.bulkTags} tags of ${Math.ceil(options.bulkTags / tagsPerImage)} manifests in one request on ${databaseName}`;
  return [
    {
      what: `until ${of} are deleted, with pulls meanwhile`,
      bound: `< ${maxSeconds * patience} s`,
      measured: `${seconds.toFixed(1)} s`,
      holds: seconds < maxSeconds * patience,
    },
    {
      what: `p99 of ${pullsPerSecond} warm pulls a second meanwhile, beside that of before; median ${percentile(before.times, 0.5).toFixed(1)} and ${percentile(during.times, 0.5).toFixed(1)} ms`,
      bound: `<= ${maxRatio * patience} times`,
      measured: `${busy.toFixed(1)} ms beside ${quiet.toFixed(1)} ms, ${(busy / quiet).toFixed(2)} times; ${before.failures + during.failures} of ${before.times.length + during.times.length} failed`,
      holds: busy <= quiet * maxRatio * patience && before.failures + during.failures === 0,
    },
  ];
}

/** Pulls manifests by tag at an even pace, whether or not the pulls before are answered, until it is over. */
async function pullFor(
  { server, options }: ManyRepositories,
  isOver: (startedAt: number) => boolean,
): Promise<{ readonly times: number[]; readonly failures: number }> {
  const authorization = await server.bearer('many/repositories/r1');
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  let failures = 0;
  const pending = new Set<Promise<void>>();
  const startedAt = performance.now();
  for (let count = 0; !isOver(startedAt); count += 1) {
    const dueAt = startedAt + (count * 1000) / pullsPerSecond;
    const earlyMs = dueAt - performance.now();
    if (earlyMs > 1) await sleep(earlyMs);
    const url = `http://${server.host}/v2/many/repositories/r1/manifests/${tagName(count % options.tags)}`;
    const pulling = pullOnce(url, authorization, agent).then((isGood) => {
      times.push(performance.now() - dueAt);
      if (!isGood) failures += 1;
      pending.delete(pulling);
    });
    pending.add(pulling);
  }
  await Promise.all(pending);
  agent.destroy();
  return { times, failures };
}

function pullOnce(url: string, authorization: string, agent: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent, headers: { authorization } }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode === 200));
      answer.on('error', () => resolve(false));
    });
    request.on('error', () => resolve(false));
  });
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
