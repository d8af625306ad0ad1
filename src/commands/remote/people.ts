/** `entrepot user`: the accounts of people. */
import type { Command } from 'commander';
import { CommandRefused } from '../command.ts';
import type { ApiClient, Row } from './api-client.ts';
import { readSecret } from './read-secret.ts';
import { type Ask, online } from './remote.ts';

const columns = {
  ID: 'id',
  USERNAME: 'username',
  NAME: 'name',
  STATE: 'state',
  ADMIN: 'is_admin',
  CREATED: 'created_at',
};

export function addUserCommands(program: Command, ask: Ask): void {
  const user = program.command('user').description('people, and who of them may come in');
  online(user, 'list', 'who there is')
    .option('--search <text>', 'a part of the name')
    .option('--bots', 'also whom group and project access tokens act as')
    .action(
      ask(async ({ api, output }, { search, bots }: { search?: string; bots?: true }) =>
        output.list(await api.list('/users', { search, humans: bots ? undefined : true }), columns),
      ),
    );
  online(user, 'create <username>', 'make an account; its password is asked for, or read from standard input')
    .option('--name <text>', 'the name that is shown')
    .option('--email <address>', 'where they can be written to')
    .option('--admin', 'may do everything')
    .option('--no-password', 'they come with tokens, or by another service')
    .action(
      ask(async ({ api, output, terminal }, username: string, options: NewUser) => {
        const { name = username, email, admin = false, password } = options;
        const secret = password ? { password: await readSecret(terminal, `Password of ${username}`) } : {};
        const made = await api.send('POST', '/users', { username, name, email, admin, ...secret });
        output.done(made, `${username} may come in.`);
      }),
    );
  online(user, 'block <user>', 'refuse them, and all their tokens').action(
    ask(async ({ api, output }, name: string) => {
      const { id } = await getUser(api, name);
      await api.send('POST', `/users/${id}/block`);
      output.done(
        { id, state: 'blocked' },
        `${name} is blocked; entrepot user unblock ${name} lets them in again.`,
      );
    }),
  );
  online(user, 'unblock <user>', 'let them in again').action(
    ask(async ({ api, output }, name: string) => {
      const { id } = await getUser(api, name);
      await api.send('POST', `/users/${id}/unblock`);
      output.done({ id, state: 'active' }, `${name} may come in.`);
    }),
  );
  online(
    user,
    'password <user>',
    'give them another one, which is asked for, or read from standard input',
  ).action(
    ask(async ({ api, output, terminal }, name: string) => {
      const { id } = await getUser(api, name);
      const password = await readSecret(terminal, `New password of ${name}`);
      const changed = await api.send('PUT', `/users/${id}`, { password });
      output.done(changed, `${name} has another password; sessions that began with the old one have ended.`);
    }),
  );
}

interface NewUser {
  readonly name?: string;
  readonly email?: string;
  readonly admin?: true;
  readonly password: boolean;
}

/** @param name of the user, or their number. @throws CommandRefused */
export async function getUser(api: ApiClient, name: string): Promise<Row> {
  if (/^\d+$/.test(name)) return api.get(`/users/${name}`);
  const [user] = await api.list('/users', { username: name });
  if (user) return user;
  throw new CommandRefused(`there is no user '${name}'; entrepot user list shows who there is`);
}
