/** What the command line does on the records without a server. */

import { CommandRefused } from '../app/command-refused.ts';
import type { Secrets } from '../app/secrets.ts';
import { adoptStore, openStores } from '../app/stores.ts';
import { SecretBox } from '../auth/credentials/secret-box.ts';
import { type SigningKeyState, SigningKeys } from '../auth/tokens/signing-keys.ts';
import type { Config } from '../config/config.ts';
import { databaseFile } from '../config/data-directory.ts';
import { type CheckReport, checkStorage } from '../gc/storage-check.ts';
import { actorFor } from '../management/people/users.ts';
import { recordAccessToken } from '../management/tokens/access-token-records.ts';
import { type Database, migrate, openDatabase } from '../metadata/db/database.ts';
import type { Records } from '../metadata/db/records.ts';
import type { Log } from '../observe/log.ts';
import type { TokenRequest } from './command-line.ts';

/** Why there is no token, in a sentence. */
export class TokenRefused extends CommandRefused {
  override readonly name = 'TokenRefused';
}

/** @throws Error where the database cannot be reached or was migrated by a newer version */
export async function bringUpToDate({ database, dataDirectory }: Config, log: Log): Promise<void> {
  await migrate({ url: database.url, file: databaseFile(dataDirectory), log });
}

/** The new token, which is kept nowhere. @throws TokenRefused */
export async function createToken(
  config: Config,
  { username, expiresAt, ...input }: TokenRequest,
  log: Log,
): Promise<string> {
  if (expiresAt !== undefined && expiresAt <= Date.now())
    throw new TokenRefused('--expires must be in the future');
  return withDatabase(config, log, async (database) => {
    const user = await database.users.findByUsername(username.toLowerCase());
    if (!user) throw new TokenRefused(`there is no user '${username}'`);
    const created = await database.transaction((tx) =>
      recordAccessToken(tx, actorFor(user), user, { ...input, expiresAt }),
    );
    return created.token;
  });
}

/** Beside a running server, which notices. @param inMs until the new key signs. Returns all keys. */
export async function rotateKeys(
  config: Config,
  secrets: Secrets,
  inMs: number | undefined,
  log: Log,
): Promise<readonly SigningKeyState[]> {
  return withDatabase(config, log, (database) =>
    database.transaction(async (tx) => {
      const keys = keysIn(tx, config, secrets);
      const { kid } = await keys.rotate(inMs);
      const states = await keys.describe();
      await tx.auditEvents.add({
        actorName: 'command line',
        action: 'signing_key.rotate',
        targetType: 'signing_key',
        targetId: kid,
        details: { retired: states.filter(({ retiredAt }) => retiredAt !== undefined).map((key) => key.kid) },
      });
      return states;
    }),
  );
}

export async function listKeys(
  config: Config,
  secrets: Secrets,
  log: Log,
): Promise<readonly SigningKeyState[]> {
  return withDatabase(config, log, (database) => keysIn(database, config, secrets).describe());
}

/** Beside a running server, too. */
export async function checkStored(config: Config, repair: boolean, log: Log): Promise<CheckReport> {
  return withDatabase(config, log, async (database) => {
    const { store, inventory } = await openStores(config, database, log);
    return checkStorage({ database, store, inventory, repair, log, now: Date.now });
  });
}

/** What was done, for people. */
export async function adopt(config: Config, log: Log): Promise<string> {
  return withDatabase(config, log, (database) => database.transaction((tx) => adoptStore(config, tx)));
}

function keysIn({ signingKeys: records }: Records, { auth }: Config, { key }: Secrets): SigningKeys {
  const secretBox = new SecretBox(key);
  return new SigningKeys({ records, secretBox, lifetimeSeconds: auth.tokenSeconds, now: Date.now });
}

async function withDatabase<T>(
  { database: { url }, dataDirectory }: Config,
  log: Log,
  run: (database: Database) => Promise<T>,
): Promise<T> {
  const database = await openDatabase({ url, file: databaseFile(dataDirectory), log, now: Date.now });
  try {
    return await run(database);
  } finally {
    await database.close();
  }
}
