/** `entrepot keys`: lists and replaces the keys that sign registry tokens, beside a running server, which notices. */

import { configuredSettings } from '../app/configured-settings.ts';
import { SecretBox } from '../auth/credentials/secret-box.ts';
import { type SigningKeyState, SigningKeys } from '../auth/tokens/signing-keys.ts';
import { readSettings } from '../management/server/application-settings.ts';
import type { Records } from '../metadata/db/records.ts';
import { parseShortDurationMs } from '../rules/duration.ts';
import { type CommandContext, type Run, UsageError } from './command.ts';
import { withDatabase } from './with-database.ts';

const maxDelayMs = 30 * 86_400_000;

/** `keys list` */
export async function listKeys(context: CommandContext): Promise<string> {
  const keysOf = await keysWith(context);
  const keys = await withDatabase(context.config, context.log, (database) => keysOf(database).describe());
  return describeKeys(keys, Date.now());
}

/** `keys rotate`. @throws UsageError */
export function keyRotation({ in: delay }: { readonly in?: string | undefined }): Run {
  const inMs = delay === undefined ? undefined : parseDelayMs(delay);
  return async (context) => {
    const keysOf = await keysWith(context);
    const keys = await withDatabase(context.config, context.log, (database) =>
      database.transaction(async (tx) => {
        const signingKeys = keysOf(tx);
        const { kid } = await signingKeys.rotate(inMs);
        const states = await signingKeys.describe();
        const retired = states.filter(({ retiredAt }) => retiredAt !== undefined).map((key) => key.kid);
        await tx.auditEvents.add({
          actorName: 'command line',
          action: 'signing_key.rotate',
          targetId: kid,
          details: { retired },
        });
        return states;
      }),
    );
    return describeKeys(keys, Date.now());
  };
}

/** Until the new key signs. @throws UsageError */
export function parseDelayMs(text: string): number {
  const ms = parseShortDurationMs(text);
  if (ms !== undefined && ms <= maxDelayMs) return ms;
  throw new UsageError(`--in: '${text}' is no duration such as 90, 15m, 1h or 2d, or more than 30d`);
}

async function keysWith({ config, readSecrets }: CommandContext) {
  const secretBox = new SecretBox((await readSecrets()).key);
  return (records: Records) =>
    new SigningKeys({
      records: records.signingKeys,
      secretBox,
      lifetimeMs: async () => (await readSettings(records, configuredSettings(config))).tokenMs,
      now: Date.now,
    });
}

/** A line for each, oldest first. */
function describeKeys(keys: readonly SigningKeyState[], now: number): string {
  if (keys.length === 0) return 'There is no key yet: the server makes one when it starts.\n';
  const lines = keys.map((key) => `${key.kid}  made ${timeOf(key.createdAt)}  ${stateOf(key, now)}\n`);
  return lines.join('');
}

function stateOf({ isCurrent, retiredAt, endsAt }: SigningKeyState, now: number): string {
  if (retiredAt === undefined || endsAt === undefined) return isCurrent ? 'signs' : 'signs next';
  const until = `until ${timeOf(retiredAt)}, verifies until ${timeOf(endsAt)}`;
  if (isCurrent) return `signs ${until}`;
  return retiredAt > now ? `signs next, ${until}` : `verifies until ${timeOf(endsAt)}`;
}

/** To the second. */
function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
