/** The signing keys as the command line shows them. */
import type { SigningKeyState } from '../auth/tokens/signing-keys.ts';

/** A line for each, oldest first. */
export function describeKeys(keys: readonly SigningKeyState[], now: number): string {
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
