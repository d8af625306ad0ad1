/** `entrepot token create`: a token for whoever has the machine, for instance because root's is lost. */
import { isTokenScope, type TokenScope, tokenScopes } from '../auth/rights/identity.ts';
import { actorFor } from '../management/people/users.ts';
import { recordAccessToken } from '../management/tokens/access-token-records.ts';
import { type CommandContext, CommandRefused, type Run, UsageError } from './command.ts';
import { withDatabase } from './with-database.ts';

export interface TokenOptions {
  readonly user?: string | undefined;
  readonly name?: string | undefined;
  readonly scopes?: string | undefined;
  readonly expires?: string | undefined;
}

export interface TokenRequest {
  readonly username: string;
  readonly name: string;
  readonly scopes: readonly TokenScope[];
  /** Epoch milliseconds: when the day that was given begins, in UTC. */
  readonly expiresAt: number | undefined;
}

/** @throws UsageError */
export function tokenCreation(options: TokenOptions): Run {
  const request = parseTokenRequest(options);
  return async (context) => `${await createToken(context, request)}\n`;
}

/** @throws UsageError */
export function parseTokenRequest({
  user = 'root',
  name = 'command line',
  scopes = 'api',
  expires,
}: TokenOptions): TokenRequest {
  const expiresAt = expires === undefined ? undefined : parseDate(expires);
  return { username: user, name, scopes: parseScopes(scopes), expiresAt };
}

/** The new token, which is kept nowhere. @throws CommandRefused */
export async function createToken(
  { config, log }: Pick<CommandContext, 'config' | 'log'>,
  { username, expiresAt, ...input }: TokenRequest,
): Promise<string> {
  if (expiresAt !== undefined && expiresAt <= Date.now())
    throw new CommandRefused('--expires must be in the future');
  return withDatabase(config, log, async (database) => {
    const user = await database.users.findByUsername(username.toLowerCase());
    if (!user) throw new CommandRefused(`there is no user '${username}'`);
    const created = await database.transaction((tx) =>
      recordAccessToken(tx, actorFor(user), user, { ...input, expiresAt }),
    );
    return created.token;
  });
}

function parseScopes(text: string): TokenScope[] {
  return text.split(',').map((part) => {
    const scope = part.trim();
    if (isTokenScope(scope)) return scope;
    throw new UsageError(`--scopes: '${scope}' is none of ${tokenScopes.join(', ')}`);
  });
}

function parseDate(text: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  // The 30th of February would be taken for the 1st of March.
  if (!Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text)) return ms;
  throw new UsageError(`--expires: '${text}' is no date such as 2027-01-31`);
}
