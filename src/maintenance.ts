/** What the command line does on the records without a server. */
import type { TokenRequest } from './command-line.ts';
import type { Config } from './config.ts';
import { databaseFile } from './data-directory.ts';
import type { Log } from './log.ts';
import { recordAccessToken } from './management/access-tokens.ts';
import { actorFor } from './management/users.ts';
import { migrate, openDatabase } from './metadata/database.ts';

/** Why there is no token, in a sentence. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
}

/** @throws Error where the database cannot be reached or was migrated by a newer version */
export async function bringUpToDate({ database, dataDirectory }: Config, log: Log): Promise<void> {
  await migrate({ url: database.url, file: databaseFile(dataDirectory), log });
}

/** The new token, which is kept nowhere. @throws TokenRefused */
export async function createToken(
  { database, dataDirectory }: Config,
  { username, expiresAt, ...input }: TokenRequest,
  log: Log,
): Promise<string> {
  if (expiresAt !== undefined && expiresAt <= Date.now())
    throw new TokenRefused('--expires must be in the future');
  const records = await openDatabase({
    url: database.url,
    file: databaseFile(dataDirectory),
    log,
    now: Date.now,
  });
  try {
    const user = await records.users.findByUsername(username.toLowerCase());
    if (!user) throw new TokenRefused(`there is no user '${username}'`);
    const created = await records.transaction((tx) =>
      recordAccessToken(tx, actorFor(user), user.id, { ...input, expiresAt }),
    );
    return created.token;
  } finally {
    await records.close();
  }
}
