/** What is written where somebody is not believed: who, why and from where, once, and never what they came with. */
import type { Log } from '../../observe/log.ts';
import { isJwt } from './credentials.ts';
import type { RefusalReason } from './refusal.ts';

export interface RefusedLogin {
  /** The username as it was given; undefined where a token came alone. */
  readonly user: string | undefined;
  readonly reason: RefusalReason | 'unreadable';
  readonly cause?: string | undefined;
  readonly address: string | undefined;
}

const maxNameLength = 100;
/** Beginnings of tokens of ours, GitLab's, GitHub's and Docker's, which people type where a name belongs. */
const tokenPrefix = /^(?:ent[dj]?-|gl[a-z]{1,4}-|gh[a-z]_|github_pat_|dckr_pat_)/i;

export function logRefusedLogin(log: Log, { user, reason, cause, address }: RefusedLogin): void {
  log.info(
    { user: user === undefined ? undefined : showName(user), reason, cause, address },
    'a login was refused',
  );
}

/** A username for the log and the audit trail, which show no token. */
export function showName(name: string): string {
  return tokenPrefix.test(name) || isJwt(name) ? '[hidden: it looks like a token]' : showText(name);
}

/** A text that anyone may have sent, on one line and not too long. */
export function showText(text: string): string {
  return text.slice(0, maxNameLength).replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\ufffd');
}
