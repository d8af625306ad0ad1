/** What someone says about an upstream, put together with what is known of it: the rules about its address and secrets. */
import { isAdministrator } from '../../auth/rights/access.ts';
import type { UpstreamChanges, UpstreamRecord } from '../../metadata/registries/upstreams.ts';
import { isRepositoryName, type RepositoryName } from '../../oci/reference.ts';
import { GlobError } from '../../rules/glob.ts';
import { Globs } from '../../rules/globs.ts';
import { localPathOf } from '../../upstreams/local-upstream.ts';
import { type Actor, userOf } from '../acting/actor.ts';
import { RefusedError } from '../acting/refused-error.ts';
import type { GivenCredentials } from './upstream-credentials.ts';

/** What is undefined is not said; null and an empty text neither. */
export interface UpstreamAccess extends GivenCredentials {
  readonly url?: string | undefined;
  readonly tokenHost?: string | null | undefined;
  readonly stripPrefix?: string | null | undefined;
  readonly addPrefix?: string | null | undefined;
  /** Only administrators may say true. */
  readonly allowPrivateNetwork?: boolean | undefined;
}

type PatternLists = Partial<Pick<UpstreamChanges, 'allowPatterns' | 'denyPatterns' | 'minAgeExemptPatterns'>>;

/** @throws RefusedError invalid for a pattern that is none, or one too many of what costs time */
export function demandPatterns({ allowPatterns, denyPatterns, minAgeExemptPatterns }: PatternLists): void {
  const lists = {
    allow_patterns: allowPatterns,
    deny_patterns: denyPatterns,
    min_age_exempt_patterns: minAgeExemptPatterns,
  };
  for (const [attribute, texts = []] of Object.entries(lists)) {
    try {
      Globs.parse(texts);
    } catch (error) {
      if (!(error instanceof GlobError)) throw error;
      throw new RefusedError('invalid', { [attribute]: [error.message] });
    }
  }
}

/**
 * A path that names of images begin with, without the slashes around it.
 * @returns null for none; undefined where nothing is said
 * @throws RefusedError invalid for what no name begins with
 */
export function parsePrefix(
  attribute: 'strip_prefix' | 'add_prefix',
  text: string | null | undefined,
): RepositoryName | null | undefined {
  const path = text?.trim().replace(/^\/|\/$/g, '');
  if (!path) return text === undefined ? undefined : null;
  if (isRepositoryName(path)) return path;
  throw new RefusedError('invalid', {
    [attribute]: ['must be a path of lower-case names, as in acme/mirror'],
  });
}

/** Only what is said. @throws RefusedError invalid */
export function parsePrefixes({ stripPrefix, addPrefix }: Pick<UpstreamAccess, 'stripPrefix' | 'addPrefix'>) {
  const [strip, add] = [parsePrefix('strip_prefix', stripPrefix), parsePrefix('add_prefix', addPrefix)];
  return {
    ...(strip !== undefined && { stripPrefix: strip }),
    ...(add !== undefined && { addPrefix: add }),
  };
}

/** @throws RefusedError invalid where a local upstream, whose images were pushed to us, is to wait for them */
export function demandNoQuarantine(url: string, minAgeHours = 0): void {
  if (minAgeHours > 0 && localPathOf(url) !== undefined)
    throw new RefusedError('invalid', {
      min_age_hours: ['must be 0: images of an upstream on this server were pushed here'],
    });
}

/**
 * Whether the upstream may be in a private network. That was said of its URL, so another URL needs an administrator anew.
 * @throws RefusedError forbidden
 */
export function mayUsePrivateNetwork(
  actor: Actor,
  said: boolean | undefined,
  stored: Pick<UpstreamRecord, 'allowPrivateNetwork'> | undefined,
  isUrlChanged: boolean,
): boolean {
  const isAdmin = isAdministrator(userOf(actor), 'write');
  const isAllowed = stored?.allowPrivateNetwork ?? false;
  const isKept = isAllowed && (isAdmin || !isUrlChanged);
  if (said === true && !isAdmin && !isKept) {
    throw new RefusedError('forbidden', 'only administrators may allow private networks');
  }
  return said ?? isKept;
}

/** What the audit event says: that there is another password, not which; nor what would fill a page. @param stored what was there before */
export function describeUpstream(
  { passwordSealed, networkSealed, caCertificate, clientCertificate, ...changes }: UpstreamChanges,
  stored?: UpstreamRecord,
): Readonly<Record<string, unknown>> {
  const told = {
    password: stateOf(passwordSealed, stored?.passwordSealed),
    networkLogins: stateOf(networkSealed, stored?.networkSealed),
    caCertificate: stateOf(caCertificate, stored?.caCertificate),
    clientCertificate: stateOf(clientCertificate, stored?.clientCertificate),
  };
  const said = Object.entries(told).filter(([, state]) => state !== undefined);
  return { ...changes, ...Object.fromEntries(said) };
}

function stateOf(now: string | null | undefined, before: string | undefined): 'set' | 'removed' | undefined {
  if (now === null) return before === undefined ? undefined : 'removed';
  return now === undefined ? undefined : 'set';
}
