/** `entrepot token`: personal access tokens, one's own and, for administrators, those of others. */
import type { Command } from 'commander';
import { type Decide, machineAction, onMachine } from '../work.ts';
import { getUser } from './people.ts';
import { type Ask, online } from './remote.ts';

const columns = {
  ID: 'id',
  NAME: 'name',
  'USER ID': 'user_id',
  SCOPES: 'scopes',
  ACTIVE: 'active',
  'LAST USED': 'last_used_at',
  EXPIRES: 'expires_at',
};

interface NewToken {
  readonly user?: string;
  readonly name: string;
  readonly scopes: string;
  readonly expires?: string;
}

export function addTokenCommands(program: Command, ask: Ask, decide: Decide): void {
  const token = program.command('token').description('access tokens of people');
  online(token, 'list', 'those that you may see')
    .option('--user <name>', 'whose')
    .option('--all', 'also those that are revoked or over')
    .action(
      ask(async ({ api, output }, { user, all }: { user?: string; all?: true }) => {
        const owner = user === undefined ? {} : { user_id: Number((await getUser(api, user))['id']) };
        const state = all ? {} : { state: 'active' };
        await output.list(await api.list('/personal_access_tokens', { ...owner, ...state }), columns);
      }),
    );
  const create = ask(async ({ api, output }, { user, name, scopes, expires }: NewToken) => {
    const owner = user === undefined ? '/user' : `/users/${(await getUser(api, user))['id']}`;
    const input = { name, scopes: scopes.split(',').map((scope) => scope.trim()), expires_at: expires };
    const made = await api.send('POST', `${owner}/personal_access_tokens`, input);
    output.done(made, String(made['token']));
  });
  const createHere = machineAction(decide, async (options: NewToken) =>
    (await import('../token.ts')).tokenCreation(options),
  );
  onMachine(token, 'create', 'make one, and print it this once')
    .option('--user <name>', 'whose, where it is not your own')
    .option('--name <text>', 'what it is for', 'command line')
    .option('--scopes <list>', 'what it may be used for, with commas', 'api')
    .option('--expires <date>', 'the day it ends, as 2027-01-31 (default: never)')
    .option('--local', 'first aid: by the data directory of this machine')
    .option('--json', 'print JSON, for programs')
    .action(function (options: NewToken & { local?: true }) {
      return options.local ? createHere.call(this, options) : create.call(this, options);
    });
  online(token, 'revoke <id>', 'refuse it from now on').action(
    ask(async ({ api, output }, id: string) => {
      await api.send('DELETE', `/personal_access_tokens/${id}`);
      output.done({ id, revoked: true }, `Token ${id} is refused from now on.`);
    }),
  );
}
