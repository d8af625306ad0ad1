/** `entrepot registry`: virtual registries, by their number, as `GROUP/NAME`, or by a name that no other has. */
import type { Command } from 'commander';
import { CommandRefused } from '../command.ts';
import { type ApiClient, type Row, segment } from './api-client.ts';
import { type Ask, online } from './remote.ts';

const columns = {
  ID: 'id',
  GROUP: 'group',
  NAME: 'name',
  'PULLED FROM': 'pull',
  EVERYONE: 'anonymous_pull',
};

interface NewRegistry {
  readonly description?: string;
  readonly anonymousPull?: true;
}

export function addRegistryCommands(program: Command, ask: Ask): void {
  const registry = program.command('registry').description('virtual registries, each a list of upstreams');
  online(registry, 'list', 'those that you may see')
    .option('--group <path>', 'those of this group')
    .action(
      ask(async ({ api, output }, { group }: { group?: string }) =>
        output.list(await listRegistries(api, group), columns),
      ),
    );
  online(registry, 'create <group> <name>', 'make one, without upstreams as yet')
    .option('--description <text>', 'what it is for')
    .option('--anonymous-pull', 'everyone who reaches the server may pull through it')
    .action(
      ask(async ({ api, output }, group: string, name: string, options: NewRegistry) => {
        const { description, anonymousPull = false } = options;
        const input = { name, description, anonymous_pull: anonymousPull };
        const made = await api.send('POST', registriesOf(group), input);
        const { id } = made;
        output.done(
          made,
          `Virtual registry ${id}: entrepot upstream add ${id} https://quay.io gives it an upstream.`,
        );
      }),
    );
}

/** Of a group, or of all that are seen. */
async function listRegistries(api: ApiClient, group?: string): Promise<Row[]> {
  const groups = group === undefined ? await topLevelGroups(api) : [group];
  const { host } = new URL(api.url);
  const lists = await Promise.all(groups.map((path) => api.list(registriesOf(path))));
  return lists.flatMap((rows, index) =>
    rows.map((row) => ({
      ...row,
      group: groups[index],
      pull: `${host}/virtual_registries/container/${row['id']}/`,
    })),
  );
}

export async function topLevelGroups(api: ApiClient): Promise<string[]> {
  const groups = await api.list('/namespaces', { top_level_only: true });
  return groups.map((group) => String(group['full_path']));
}

function registriesOf(group: string): string {
  return `/groups/${segment(group)}/-/virtual_registries/container/registries`;
}

/** @param named as people name it. @throws CommandRefused */
export async function registryIdOf(api: ApiClient, named: string): Promise<number> {
  if (/^\d+$/.test(named)) return Number(named);
  const [group = '', ...rest] = named.split('/');
  const [of, name] = rest.length > 0 ? [group, rest.join('/')] : [undefined, named];
  const found = (await listRegistries(api, of)).filter((row) => row['name'] === name);
  return theOne(found, `virtual registry '${named}'`, 'entrepot registry list');
}

/** @throws CommandRefused where there is none, or more than one */
export function theOne(found: readonly Row[], what: string, list: string): number {
  const [only, ...others] = found.map((row) => Number(row['id']));
  if (only === undefined) throw new CommandRefused(`there is no ${what}; ${list} shows those there are`);
  if (others.length === 0) return only;
  throw new CommandRefused(`${what} may be ${[only, ...others].join(' or ')}: name it by its number`);
}
