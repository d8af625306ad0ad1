/** Who asks for a change, and from where: the first argument of every call that needs rights or leaves an audit event. */
import {
  type AnonymousIdentity,
  type Identity,
  type JobIdentity,
  nameOf,
  type UserIdentity,
} from '../../auth/rights/identity.ts';
import type { EventOrigin } from '../../oci/registry-event.ts';
import { RefusedError } from './refused-error.ts';

export interface Actor {
  readonly identity: Identity;
  /** The client's address; undefined for the command line and the server itself. */
  readonly address: string | undefined;
  /** Their request, as whoever is told of what it does hears of it. */
  readonly origin?: EventOrigin | undefined;
  /** Takes what they should know of what they did; undefined where nobody reads it. */
  readonly warn?: (sentence: string) => void;
}

/** Who has roles: a person, a bot, or a CI job. */
export type Asker = UserIdentity | JobIdentity;

/** As {@link Asker}, or nobody in particular, to whom what is public is open. */
export type Viewer = Asker | AnonymousIdentity;

/** @throws RefusedError unauthorized unless the actor is a user; a registry token only pulls and pushes. */
export function userOf(actor: Actor): UserIdentity {
  if (actor.identity.kind === 'user') return actor.identity;
  throw new RefusedError('unauthorized');
}

/** @throws RefusedError unauthorized unless the actor is a user or a CI job */
export function askerOf(actor: Actor): Asker {
  return actor.identity.kind === 'job' ? actor.identity : userOf(actor);
}

/** As {@link askerOf}, but nobody in particular may ask as well. @throws RefusedError unauthorized */
export function viewerOf(actor: Actor): Viewer {
  return actor.identity.kind === 'anonymous' ? actor.identity : askerOf(actor);
}

/** The actor as whoever is told of changes of repositories hears of them. */
export function authorOf(actor: Actor): { readonly name: string; readonly origin: EventOrigin | undefined } {
  return { name: actorNameOf(actor), origin: actor.origin };
}

/** The actor's name, for people to read. */
export function actorNameOf({ identity }: Pick<Actor, 'identity'>): string {
  return nameOf(identity) ?? identity.kind;
}
