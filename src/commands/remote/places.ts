/** `entrepot group` and `entrepot project`: where images are, by their paths. */
import type { Command } from 'commander';
import { UsageError } from '../command.ts';
import { type ApiClient, segment } from './api-client.ts';
import { type Ask, online } from './remote.ts';

const visibility = ['--visibility <who>', 'private, internal or public', 'private'] as const;

interface NewPlace {
  readonly name?: string;
  readonly visibility: string;
}

export function addPlaceCommands(program: Command, ask: Ask): void {
  const group = program.command('group').description('groups of projects and of virtual registries');
  online(group, 'list', 'those that you may see')
    .option('--search <text>', 'a part of the name')
    .action(
      ask(async ({ api, output }, { search }: { search?: string }) =>
        output.list(await api.list('/groups', { search }), {
          ID: 'id',
          PATH: 'full_path',
          NAME: 'name',
          VISIBILITY: 'visibility',
        }),
      ),
    );
  online(group, 'create <path>', 'make one; acme/shop is below acme')
    .option('--name <text>', 'the name that is shown')
    .option(...visibility)
    .action(
      ask(async ({ api, output }, text: string, options: NewPlace) => {
        const { above, path } = partsOf(text);
        const parent = above === undefined ? {} : { parent_id: await groupIdOf(api, above) };
        const { name = path } = options;
        const made = await api.send('POST', '/groups', {
          ...parent,
          path,
          name,
          visibility: options.visibility,
        });
        output.done(made, `${made['full_path']} is group ${made['id']}.`);
      }),
    );
  const project = program.command('project').description('projects, which images are pushed to');
  online(project, 'list', 'those that you may see')
    .option('--group <path>', 'those of this group, and below it')
    .option('--search <text>', 'a part of the name')
    .action(
      ask(async ({ api, output }, options: { group?: string; search?: string }) => {
        const { group: of, search } = options;
        const list = of === undefined ? '/projects' : `/groups/${segment(of)}/projects`;
        await output.list(await api.list(list, { search, include_subgroups: true }), {
          ID: 'id',
          PATH: 'path_with_namespace',
          NAME: 'name',
          VISIBILITY: 'visibility',
        });
      }),
    );
  online(project, 'create <path>', 'make one: acme/shop is in the group acme')
    .option('--name <text>', 'the name that is shown')
    .option(...visibility)
    .action(
      ask(async ({ api, output }, text: string, options: NewPlace) => {
        const { above, path } = partsOf(text);
        if (above === undefined) throw new UsageError(`'${text}' is no path such as acme/${text}`);
        const input = { namespace_id: await groupIdOf(api, above), path, name: options.name ?? path };
        const made = await api.send('POST', '/projects', { ...input, visibility: options.visibility });
        const whole = made['path_with_namespace'];
        const { host } = new URL(api.url);
        output.done(made, `${whole} is project ${made['id']}: docker push ${host}/${whole}:TAG`);
      }),
    );
}

function partsOf(text: string): { readonly above: string | undefined; readonly path: string } {
  const end = text.lastIndexOf('/');
  return { above: end === -1 ? undefined : text.slice(0, end), path: text.slice(end + 1) };
}

async function groupIdOf(api: ApiClient, path: string): Promise<unknown> {
  return (await api.get(`/groups/${segment(path)}`))['id'];
}
