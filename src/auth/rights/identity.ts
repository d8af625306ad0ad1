/** Who is asking. Made by {@link Authenticator} and RegistryTokens, read by everyone who asks "may they?". */
import type { Place } from '../../metadata/namespaces/place.ts';
import type { AccessLevel } from './access-levels.ts';

/** What a token may be used for, by GitLab's names. */
export const tokenScopes = [
  'api',
  'read_api',
  'read_user',
  'read_repository',
  'write_repository',
  'read_registry',
  'write_registry',
  'read_virtual_registry',
  'write_virtual_registry',
] as const;

export type TokenScope = (typeof tokenScopes)[number];

export function isTokenScope(text: string): text is TokenScope {
  return tokenScopes.some((scope) => scope === text);
}

export interface UserIdentity {
  readonly kind: 'user';
  readonly userId: number;
  readonly username: string;
  readonly isAdmin: boolean;
  /** `all`: they gave their password. */
  readonly scopes: readonly TokenScope[] | 'all';
  /** Number of the personal, group or project access token that they came with; the latter two are tokens of a bot. */
  readonly tokenId?: number;
  /** The mark of the password that they came with. */
  readonly passwordMark?: string;
  /** Whether it is the bot of a project access token, which has no business outside its project. */
  readonly isProjectBot?: boolean;
}

/** A machine with a token of a group or project of its own, and no user behind it. */
export interface DeployTokenIdentity {
  readonly kind: 'deploy-token';
  readonly tokenId: number;
  readonly username: string;
  readonly scopes: readonly TokenScope[];
  /** Where it is good for something: in a project, or in a group and all that is below it. */
  readonly place: Place;
}

/** A CI job of a project. */
export interface JobIdentity {
  readonly kind: 'job';
  /** Undefined for an ID token that is used as it is. */
  readonly jobTokenId: number | undefined;
  /** Number of the trust that the job came by. */
  readonly trustId: number | undefined;
  readonly name: string;
  /** Whose rights outside the project the job has, as far as pulling goes. */
  readonly userId: number | undefined;
  readonly isAdmin: false;
  readonly project: { readonly id: number; readonly fullPath: string };
  /** The job's role in its project. */
  readonly accessLevel: AccessLevel;
  /** When the token ends that it came with; epoch milliseconds. */
  readonly expiresAt: number;
}

/** Whoever credentials stand for, before a registry token is made of it. */
export type Principal = UserIdentity | DeployTokenIdentity | JobIdentity;

/** What a registry token says of whom it was made for: enough to look again, at every use, whether they still may. */
export type PrincipalRef =
  | {
      readonly kind: 'user';
      readonly userId: number;
      readonly tokenId?: number;
      readonly passwordMark?: string;
    }
  | { readonly kind: 'deploy-token'; readonly tokenId: number }
  | { readonly kind: 'job'; readonly jobTokenId: number }
  | {
      readonly kind: 'trust';
      readonly trustId: number;
      readonly name: string;
      readonly projectId: number;
      readonly accessLevel: number;
      /** Epoch milliseconds. */
      readonly expiresAt: number;
    }
  /** Made by a token server that we delegate to: what it lets its subject do with hosted repositories is not ours to judge. */
  | { readonly kind: 'external'; readonly issuer: string };

/** A resource and what may be done with it, as in a registry token's `access` claim. */
export interface ScopeGrant {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
  /** Number of the project that the repository belonged to when it was granted: its path may be another project's since. */
  readonly project?: number;
  /** Only tokens that we issue say this. */
  readonly meta?: GrantMeta;
}

/** A grant as a verified token carries it. */
export interface CarriedGrant extends Omit<ScopeGrant, 'meta'> {
  /** Full path of the project, as the token says it. */
  readonly projectPath?: string;
}

/** What GitLab's tokens say of a hosted repository, under GitLab's names. */
export interface GrantMeta {
  readonly project_path: string;
  readonly project_id: number;
  readonly root_namespace_id?: number;
  /** For each granted action that changes something, the patterns of tags that it is denied for. */
  readonly tag_deny_access_patterns: Readonly<Record<string, readonly string[]>>;
  readonly tag_immutable_patterns: readonly string[];
}

/** The bearer of a verified token of /jwt/auth. */
export interface RegistryTokenIdentity {
  readonly kind: 'registry-token';
  readonly subject: string;
  /** Undefined: it was made for nobody in particular. */
  readonly principal: PrincipalRef | undefined;
  readonly access: readonly CarriedGrant[];
  /** What was asked for and not granted: asking for it again would not help. */
  readonly refused: readonly ScopeGrant[];
  /** How many scopes that were asked for had no room in it. */
  readonly omitted?: number;
}

export interface AnonymousIdentity {
  readonly kind: 'anonymous';
}

export type Identity = Principal | RegistryTokenIdentity | AnonymousIdentity;

export const anonymous: AnonymousIdentity = Object.freeze({ kind: 'anonymous' });

/** A switch over kinds that ends here has a case for each of them, or does not type-check. */
export function unknownIdentity(identity: never): never {
  throw new TypeError(`an identity of no known kind: ${JSON.stringify(identity)}`);
}

/** How a registry token remembers whom it was made for. */
export function principalRefOf(principal: Principal): PrincipalRef {
  switch (principal.kind) {
    case 'user': {
      const { userId, tokenId, passwordMark } = principal;
      if (tokenId !== undefined) return { kind: 'user', userId, tokenId };
      return { kind: 'user', userId, ...(passwordMark !== undefined && { passwordMark }) };
    }
    case 'deploy-token':
      return { kind: 'deploy-token', tokenId: principal.tokenId };
    case 'job':
      return jobRefOf(principal);
    default:
      return unknownIdentity(principal);
  }
}

function jobRefOf({ jobTokenId, trustId, name, project, accessLevel, expiresAt }: JobIdentity): PrincipalRef {
  if (jobTokenId !== undefined) return { kind: 'job', jobTokenId };
  if (trustId === undefined)
    throw new TypeError(`the job ${name} came neither by a job token nor by a trust`);
  return { kind: 'trust', trustId, name, projectId: project.id, accessLevel, expiresAt };
}

/** The name to show: in the log, to the audit, as the subject of tokens. Undefined: nobody. */
export function nameOf(identity: Identity): string | undefined {
  switch (identity.kind) {
    case 'user':
    case 'deploy-token':
      return identity.username;
    case 'job':
      return identity.name;
    case 'registry-token':
      return identity.subject;
    case 'anonymous':
      return undefined;
    default:
      return unknownIdentity(identity);
  }
}

/** The user who is answerable for it; undefined where there is none. */
export function userIdOf(identity: Identity): number | undefined {
  switch (identity.kind) {
    case 'user':
    case 'job':
      return identity.userId;
    case 'registry-token':
      return identity.principal?.kind === 'user' ? identity.principal.userId : undefined;
    case 'deploy-token':
    case 'anonymous':
      return undefined;
    default:
      return unknownIdentity(identity);
  }
}

/**
 * Whom pushes belong to: a user is the same one with a password, an access token or a registry token, and everyone else with whatever
 * registry token was made for them, or a push could not outlive its token.
 */
export function writerKeyOf(ref: PrincipalRef, name: string): string {
  switch (ref.kind) {
    case 'user':
      return `user:${ref.userId}`;
    case 'deploy-token':
      return `deploy-token:${ref.tokenId}`;
    case 'job':
      return `job:${ref.jobTokenId}`;
    case 'trust':
      return `trust:${ref.trustId}:${ref.name}`;
    case 'external':
      return `external:${ref.issuer}:${name}`;
    default:
      return unknownIdentity(ref);
  }
}
