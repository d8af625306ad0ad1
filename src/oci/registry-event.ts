/** What happens in hosted repositories, as those who want to hear of it are told. */
import type { Digest } from './digest.ts';
import type { Tag } from './reference.ts';

export const eventActions = ['push', 'pull', 'delete', 'mount', 'rename'] as const;
export type EventAction = (typeof eventActions)[number];

/** GitLab's names for what kind of credentials someone came with; empty: none. */
export type ActorType = 'gitlab_or_ldap' | 'personal_access_token' | 'deploy_token' | 'build' | '';

/** The request that made it happen. */
export interface EventOrigin {
  readonly requestId: string;
  /** The client's address. */
  readonly address: string | undefined;
  /** scheme://host as the client sees us. */
  readonly externalUrl: string;
  readonly method: string;
  readonly userAgent: string;
  readonly actorType: ActorType;
}

export interface EventContent {
  readonly mediaType: string;
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

export interface RegistryEvent {
  readonly action: EventAction;
  readonly projectId: number;
  /** Of its record, whether or not that is still there: events of one repository are told in their order. */
  readonly repositoryId: number;
  /** Its name. */
  readonly repository: string;
  readonly mediaType?: string | undefined;
  readonly digest?: Digest | undefined;
  /** In bytes. */
  readonly size?: number | undefined;
  readonly tag?: Tag | undefined;
  /** What a pushed manifest refers to, where endpoints shall hear of that. */
  readonly references?: readonly EventContent[] | undefined;
  /** Of a mount: where the blob was. */
  readonly fromRepository?: string | undefined;
  /** namespace: the project or a group above it came to another path. */
  readonly rename?:
    | { readonly type: 'name' | 'namespace'; readonly from: string; readonly to: string }
    | undefined;
  /** Who did it. */
  readonly actorName: string;
  /** Undefined: no request did, but the server itself. */
  readonly origin?: EventOrigin | undefined;
}

export interface EventFilter {
  readonly ignoredActions: readonly EventAction[];
  /** Exactly as manifests and blobs have them. */
  readonly ignoredMediaTypes: readonly string[];
}

/** Whether whoever has this filter is told of it. */
export function isWanted(
  { ignoredActions, ignoredMediaTypes }: EventFilter,
  { action, mediaType }: Pick<RegistryEvent, 'action' | 'mediaType'>,
): boolean {
  if (ignoredActions.includes(action)) return false;
  return mediaType === undefined || !ignoredMediaTypes.includes(mediaType);
}

/**
 * As Docker's registry writes it, and GitLab's.
 * @param id of the event, the same for all who are told
 * @param at epoch milliseconds
 */
export function eventBody(event: RegistryEvent, id: string, at: number) {
  const { action, repository, mediaType, digest, size, tag, references, fromRepository, rename } = event;
  const { origin, actorName } = event;
  return {
    id,
    timestamp: new Date(at).toISOString(),
    action,
    target: {
      mediaType,
      size,
      digest,
      length: size,
      repository,
      fromRepository,
      url: origin && urlOf(event, origin.externalUrl),
      tag,
      references,
      rename,
    },
    request: origin && {
      id: origin.requestId,
      addr: origin.address ?? '',
      host: URL.parse(origin.externalUrl)?.host ?? '',
      method: origin.method,
      useragent: origin.userAgent,
    },
    actor: { name: actorName, user_type: origin?.actorType ?? '' },
  };
}

const blobType = 'application/octet-stream';

function urlOf(
  { repository, digest, mediaType, tag }: RegistryEvent,
  externalUrl: string,
): string | undefined {
  const base = `${externalUrl}/v2/${repository}`;
  if (digest !== undefined) return `${base}/${mediaType === blobType ? 'blobs' : 'manifests'}/${digest}`;
  return tag === undefined ? undefined : `${base}/manifests/${tag}`;
}
