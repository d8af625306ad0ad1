/** `entrepot upstream`: where virtual registries pull from, by their number or by a name that no other has. */
import type { Command } from 'commander';
import { CommandRefused } from '../command.ts';
import { type ApiClient, type Row, rowsOf, segment } from './api-client.ts';
import { registryIdOf, theOne, topLevelGroups } from './registries.ts';
import { type Ask, online } from './remote.ts';
import { readCredentials, type UpstreamCredentialOptions } from './upstream-credentials.ts';

const base = '/virtual_registries/container';
const columns = {
  ID: 'id',
  POSITION: (row: Row) => fieldOf(row['registry_upstream'], 'position'),
  NAME: 'name',
  URL: 'url',
  'MIN AGE': minAgeOf,
  STATE: stateOf,
};

interface NewUpstream extends UpstreamCredentialOptions {
  readonly name?: string;
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly minAge?: string;
  readonly exempt?: readonly string[];
  readonly exemptDigests?: true;
  readonly trustCreated?: true;
  readonly privateNetwork?: true;
}

export function addUpstreamCommands(program: Command, ask: Ask): void {
  const upstream = program.command('upstream').description('what virtual registries pull from');
  online(upstream, 'list [registry]', 'those of a virtual registry in their order, or all').action(
    ask(async ({ api, output }, registry?: string) =>
      output.list(
        registry === undefined
          ? await listAll(api)
          : await api.list(`${base}/registries/${await registryIdOf(api, registry)}/upstreams`),
        columns,
      ),
    ),
  );
  online(upstream, 'add <registry> <url>', 'make one, which is asked after those that are there')
    .option('--name <text>', 'the name that is shown (default: its host)')
    .option('--username <name>', 'who logs in there; the password is asked for, or read from standard input')
    .option('--provider <name>', 'who gives the login: ecr, ecr-public, google, azure, harbor-robot or basic')
    .option('--access-key-id <id>', 'a key of AWS; its secret is asked for, or read from standard input')
    .option('--role-arn <arn>', 'the role of AWS that is assumed')
    .option('--external-id <text>', 'what the role wants to hear')
    .option('--key-file <path>', 'the JSON of a key of a service account of Google')
    .option('--tenant-id <id>', 'of an application of Azure, whose secret is asked for')
    .option('--client-id <id>', 'the application of Azure, or the managed identity that is meant')
    .option('--allow <patterns...>', 'only images such as library/*')
    .option('--deny <patterns...>', 'no images such as acme/**')
    .option('--min-age <hours>', 'how long images have to be known here before they are let in')
    .option('--exempt <patterns...>', 'images such as library/* that are let in at any age')
    .option('--exempt-digests', 'what is pulled by digest is let in at any age')
    .option('--trust-created', 'the first image of a new tag is as old as it says')
    .option('--private-network', 'it may be in a private network; for administrators to say')
    .action(
      ask(async ({ api, output, terminal }, registry: string, url: string, options: NewUpstream) => {
        const { allow, deny, privateNetwork, name = nameOf(url) } = options;
        const { minAge, exempt, exemptDigests, trustCreated } = options;
        const id = await registryIdOf(api, registry);
        const made = await api.send('POST', `${base}/registries/${id}/upstreams`, {
          url,
          name,
          ...(await readCredentials(terminal, options)),
          allow_patterns: allow,
          deny_patterns: deny,
          min_age_hours: minAge,
          min_age_exempt_patterns: exempt,
          min_age_exempt_digests: exemptDigests,
          min_age_trust_created: trustCreated,
          allow_private_network: privateNetwork,
        });
        output.done(
          made,
          `Upstream ${made['id']}, ${made['url']}: entrepot upstream test ${made['id']} tries it.`,
        );
      }),
    );
  online(upstream, 'test <upstream>', 'connect to it, and say what is wrong').action(
    ask(async ({ api, output }, named: string) => {
      const result = await api.send('POST', `${base}/upstreams/${await upstreamIdOf(api, named)}/test`);
      if (result['success'] !== true) throw new CommandRefused(`${named}: ${result['result']}`);
      output.done(result, `${named} can be pulled from.`);
    }),
  );
  online(upstream, 'quarantine <upstream>', 'what a minimum age would refuse of what is cached; a dry run')
    .option('--min-age <hours>', 'how long images have to be known here (default: as it is)')
    .action(
      ask(async ({ api, output }, named: string, { minAge }: NewUpstream) => {
        const path = `${base}/upstreams/${await upstreamIdOf(api, named)}/quarantine/preview`;
        const answer = await api.send('POST', path, { min_age_hours: minAge });
        const refused = rowsOf(answer['refused']);
        const note = `${refused.length} of ${answer['judged']} cached tags would be refused.`;
        await output.list(refused, { IMAGE: 'image', TAG: 'tag', UNTIL: 'until' }, { answer, note });
      }),
    );
  online(upstream, 'remove <upstream>', 'from every virtual registry, with what is cached of it').action(
    ask(async ({ api, output }, named: string) => {
      const id = await upstreamIdOf(api, named);
      await api.send('DELETE', `${base}/upstreams/${id}`);
      output.done({ id }, `${named} is asked no more.`);
    }),
  );
}

async function listAll(api: ApiClient, name?: string): Promise<Row[]> {
  const groups = await topLevelGroups(api);
  const lists = await Promise.all(
    groups.map((group) =>
      api.list(
        `/groups/${segment(group)}/-${base}/upstreams`,
        name === undefined ? {} : { upstream_name: name },
      ),
    ),
  );
  return lists.flat();
}

/** @param named as people name it. @throws CommandRefused */
async function upstreamIdOf(api: ApiClient, named: string): Promise<number> {
  if (/^\d+$/.test(named)) return Number(named);
  const found = (await listAll(api, named)).filter((row) => row['name'] === named);
  return theOne(found, `upstream '${named}'`, 'entrepot upstream list');
}

/** What is no URL is refused by the API, which says why. */
function nameOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host || url : url;
}

function minAgeOf({ min_age_hours: hours }: Row): string {
  return hours === 0 ? 'none' : `${hours} hours`;
}

function stateOf({ health }: Row): string {
  const message = fieldOf(fieldOf(health, 'last_error'), 'message');
  return fieldOf(health, 'breaker') === 'closed' ? 'in use' : `not asked for now: ${message}`;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}
