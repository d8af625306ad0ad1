/** `entrepot login`: from now on commands ask this server, with this token. */
import type { Command } from 'commander';
import { configuredUrl } from '../../app/setup-options.ts';
import { type Run, type Terminal, UsageError } from '../command.ts';
import type { Decide } from '../work.ts';
import { onMachine } from '../work.ts';
import { removeLogin, writeLogin } from './login-file.ts';
import { readSecret } from './read-secret.ts';
import { clientOf, type RemoteRun } from './remote.ts';

/** What first aid makes is good for so long. */
const firstAidMs = 86_400_000;
const loopback = /^(?:localhost|127\.[\d.]+|\[::1\])$/;

interface LoginOptions {
  readonly local?: true;
  readonly user: string;
  readonly config?: string;
}

export function addLoginCommands(program: Command, decide: Decide): void {
  onMachine(
    program,
    'login [url]',
    'remember a server and a token, which is asked for, or read from standard input',
  )
    .option('--local', 'first aid: make a token for a day, by the data directory of this machine')
    .option('--user <name>', 'whose token --local makes', 'root')
    .action((url: string | undefined, { local, user, config }: LoginOptions) => {
      if (local) decide({ kind: 'machine', configFile: config, run: logInByData(url, user) });
      else decide({ kind: 'server', asJson: false, run: logIn(url) });
    });
  program
    .command('logout')
    .description('forget them')
    .action(() =>
      decide({
        kind: 'server',
        asJson: false,
        run: async ({ terminal, output }) => {
          await removeLogin(terminal.environment);
          output.done({}, 'Forgotten. The token works until it ends: entrepot token revoke ends it.');
        },
      }),
    );
}

/** @throws UsageError */
function logIn(given: string | undefined): RemoteRun {
  if (given === undefined)
    throw new UsageError('login needs the URL of a server, or --local on its own machine');
  const url = originOf(given);
  return async ({ terminal }) => {
    const token = await readSecret(terminal, `Access token for ${url}`);
    await keepLogin(terminal, url, token);
  };
}

/** @param given where its address is not the configured one. @throws UsageError */
function logInByData(given: string | undefined, user: string): Run {
  const url = given === undefined ? undefined : originOf(given);
  return async (context) => {
    const { createToken } = await import('../token.ts');
    const token = await createToken(context, {
      username: user,
      name: 'first aid',
      scopes: ['api'],
      expiresAt: Date.now() + firstAidMs,
    });
    await keepLogin(context.terminal, url ?? configuredUrl(context.config), token);
    return '';
  };
}

/** Once the server has said whose it is. */
async function keepLogin(terminal: Terminal, url: string, token: string): Promise<void> {
  const { username } = await clientOf({ url, token }).get('/user');
  const file = await writeLogin(terminal.environment, { url, token });
  terminal.stdout.write(`Logged in to ${url} as ${username}; the token is in ${file}.\n`);
  const { protocol, hostname } = new URL(url);
  if (protocol === 'http:' && !loopback.test(hostname))
    terminal.stderr.write(`entrepot: ${url} is not encrypted: whoever is on the way reads the token\n`);
}

/** What browsers make of what people type. @throws UsageError */
function originOf(text: string): string {
  const hasScheme = /^https?:\/\//.test(text);
  const host = text.replace(/[:/].*$/, '');
  const url = hasScheme ? text : `${loopback.test(host) ? 'http' : 'https'}://${text}`;
  if (URL.canParse(url)) return new URL(url).origin;
  throw new UsageError(`'${text}' is no URL such as https://registry.example.com`);
}
