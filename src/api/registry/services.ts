/** What /v2 is handed: it knows repositories, and neither where they are nor who says who may use them. */
import type { Identity, ScopeGrant } from '../../auth/rights/identity.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName, Tag } from '../../oci/reference.ts';
import type { EventOrigin } from '../../oci/registry-event.ts';
import type { UpstreamChoice } from '../../oci/registry-host.ts';
import type {
  Outcome,
  PageRequest,
  ReadableRepository,
  WritableRepository,
  Writer,
} from '../../oci/repository.ts';
import type { Need } from '../challenge.ts';
import type { DenialObserver } from '../denial-notes.ts';
import type { RequestContext } from '../state.ts';

export interface RegistryOptions {
  readonly repositories: Repositories;
  readonly access: Access;
  readonly catalog: Catalog;
  readonly maintenance: Maintenance;
  /** Tells of pulls; undefined: nobody is told. */
  readonly pullEvents?: PullEvents | undefined;
  /** Learns of what is refused since a tag is protected. */
  readonly denials?: DenialObserver | undefined;
  readonly observer: RegistryObserver;
  /** Whether clients of the repositories of this name may be sent elsewhere for blobs; by default all may. */
  readonly mayRedirect?: (name: RepositoryName) => boolean;
  /** The largest manifest that is read. */
  readonly maxManifestBytes: number;
  /** How long a client may take none of the bytes it asked for, or send none of those it announced, in milliseconds. */
  readonly stalledMs?: number;
}

export interface Repositories {
  /** Undefined where there is no such repository. @param mayPush whether whoever asks may push there */
  find(
    name: RepositoryName,
    choice?: UpstreamChoice,
    mayPush?: () => Promise<boolean>,
  ): ReadableRepository | undefined | Promise<ReadableRepository | undefined>;
  /** @throws OciError DENIED where there is no project for it, UNSUPPORTED for a virtual registry's name */
  getWritable(name: RepositoryName, writer: Writer): Promise<WritableRepository>;
}

export interface Access {
  /**
   * Sets `ctx.state.identity`.
   * @param wanted the scopes of the token that a challenge tells them to ask for
   * @param demanded a scope that no token goes without
   * @throws OciError UNAUTHORIZED with a challenge, TOOMANYREQUESTS
   */
  identify(ctx: RequestContext, wanted: () => readonly ScopeGrant[], demanded?: ScopeGrant): Promise<void>;
  /** Returns where this identity may do it. @throws OciError where it may not */
  require(ctx: RequestContext, need: Need): Promise<void>;
  /** The client's level, which rules that protect tags compare with what they ask for. */
  protectionLevel(ctx: RequestContext, name: RepositoryName): Promise<number>;
}

export interface Catalog {
  /** The repositories that this identity may pull from, in byte order. @throws OciError DENIED */
  list(
    identity: Identity,
    page: PageRequest,
  ): Promise<{ readonly names: readonly string[]; readonly hasMore: boolean }>;
}

export interface Maintenance {
  /** Why nothing can be changed now; undefined: it can. */
  readOnlyReason(): Promise<string | undefined>;
}

/** Tells those who want to know of pulls from hosted repositories. */
export interface PullEvents {
  /** Whether anybody wants to know. */
  readonly areWanted: boolean;
  note(pull: PullNote): void;
}

export interface PulledContent {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Size in bytes; undefined where it is not known. */
  readonly size: number | undefined;
  readonly tag?: Tag | undefined;
}

export interface PullNote extends PulledContent {
  readonly repository: RepositoryName;
  readonly actorName: string;
  readonly origin: EventOrigin;
}

/** What metrics learn of pulls and pushes. */
export interface RegistryObserver {
  pulled(kind: PullKind, outcome: Outcome): void;
  /** Told of what came whole and was kept; a mount brings nothing. */
  pushed(kind: PushKind): void;
}

export type PullKind = 'manifest' | 'blob' | 'tags' | 'referrers';
export type PushKind = 'manifest' | 'blob';
