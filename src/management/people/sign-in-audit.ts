/**
 * Who signed in, who was refused, who may push and who may not: for the audit trail. Told by whoever decides it, on the way of the
 * request; written later.
 */
import type { SignInObserver, SignInWay } from '../../auth/credentials/authenticate.ts';
import type { RefusalReason } from '../../auth/credentials/refusal.ts';
import {
  type Identity,
  nameOf,
  type Principal,
  type ScopeGrant,
  userIdOf,
} from '../../auth/rights/identity.ts';
import type { NewAuditEvent } from '../../metadata/server/audit-events.ts';
import type { AuditWriter } from '../acting/audit-writer.ts';

/** Something that was refused to someone who wanted to change it. */
export interface DeniedWrite {
  readonly method: string;
  /** The name of a hosted repository; undefined where it was a call of the REST API. */
  readonly repository: string | undefined;
  readonly path: string;
}

const maxNameLength = 255;
const writeActions: ReadonlySet<string> = new Set(['push', 'delete']);

export class SignInAudit implements SignInObserver {
  readonly #writer: Pick<AuditWriter, 'note' | 'noteOnce'>;

  constructor(writer: Pick<AuditWriter, 'note' | 'noteOnce'>) {
    this.#writer = writer;
  }

  /**
   * Tokens come with every request, so only their first use from an address is written; of everything else, that it happened and
   * how often in a minute.
   */
  signedIn(principal: Principal, how: SignInWay | 'session', address: string | undefined): void {
    const [kind, targetId] = targetOf(principal);
    const key = `sign-in ${how} ${kind} ${targetId} ${address}`;
    const event = () => ({
      ...authorOf(principal),
      ...placeOf(principal),
      address,
      action: `${kind}.sign_in`,
      targetId,
      details: { with: how },
    });
    if (isRecordedToken(how)) this.#writer.noteOnce(key, event);
    else this.#writer.note(key, event);
  }

  /** @param username as it was given; undefined where there was only a token */
  refused(username: string | undefined, reason: RefusalReason, address: string | undefined): void {
    // Someone who is throttled goes on with any username; one event says that they do.
    const named = reason === 'throttled' ? undefined : username;
    const name = shorten(username ?? '');
    this.#writer.note(`refused ${address} ${reason} ${shorten(named ?? '')}`, () => ({
      actorName: name === '' ? 'unknown' : name,
      address,
      action: 'user.sign_in_failed',
      targetId: name,
      details: { reason },
    }));
  }

  /** Hears of registry tokens with which something can be changed. */
  granted(holder: Identity, grants: readonly ScopeGrant[], address: string | undefined): void {
    for (const { type, name, actions } of grants) {
      if (type !== 'repository' || !actions.some((action) => writeActions.has(action))) continue;
      const author = authorOf(holder);
      const key = `granted ${author.actorName} ${address} ${name} ${actions.join()}`;
      this.#writer.note(key, () => ({
        ...author,
        address,
        action: 'registry_token.grant',
        targetId: name,
        details: { actions },
        repository: name,
      }));
    }
  }

  denied(identity: Identity, { method, repository, path }: DeniedWrite, address: string | undefined): void {
    const author = authorOf(identity);
    const target = repository ?? shorten(path);
    const kind = repository === undefined ? 'api' : 'repository';
    this.#writer.note(`denied ${author.actorName} ${address} ${method} ${kind} ${target}`, () => ({
      ...author,
      address,
      action: `${kind}.write_denied`,
      targetId: target,
      details: { method },
      ...(repository !== undefined && { repository }),
    }));
  }
}

function isRecordedToken(how: SignInWay | 'session'): boolean {
  return how === 'access-token' || how === 'deploy-token' || how === 'job-token';
}

function authorOf(identity: Identity): Pick<NewAuditEvent, 'actorId' | 'actorName'> {
  return { actorId: userIdOf(identity), actorName: nameOf(identity) ?? identity.kind };
}

/** What they came with, as far as it is in the records; else who they are. */
function targetOf(principal: Principal): readonly [kind: string, id: number | string] {
  switch (principal.kind) {
    case 'user':
      return principal.tokenId === undefined
        ? ['user', principal.userId]
        : ['personal_access_token', principal.tokenId];
    case 'deploy-token':
      return ['deploy_token', principal.tokenId];
    case 'job':
      return principal.jobTokenId === undefined
        ? ['oidc_trust', String(principal.trustId)]
        : ['job_token', principal.jobTokenId];
  }
}

function placeOf(principal: Principal): Pick<NewAuditEvent, 'groupPath' | 'projectPath'> {
  switch (principal.kind) {
    case 'user':
      return {};
    case 'deploy-token': {
      const { kind, fullPath } = principal.place;
      return kind === 'group' ? { groupPath: fullPath } : { projectPath: fullPath };
    }
    case 'job':
      return { projectPath: principal.project.fullPath };
  }
}

/** Anyone may send such a text, of any length. PostgreSQL takes none with a NUL. */
function shorten(text: string): string {
  return text.slice(0, maxNameLength).replace(/\p{Cc}/gu, '\ufffd');
}
