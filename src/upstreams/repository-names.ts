/** What a repository is called at an upstream, and whether it may be asked for there. */
import type { Log } from '../observe/log.ts';
import { isRepositoryName, type RepositoryName } from '../oci/reference.ts';
import { isDockerHub } from '../oci/registry-host.ts';
import { maxGlobLength } from '../rules/glob.ts';
import { Globs } from '../rules/globs.ts';
import type { UpstreamSettings } from './upstream.ts';

type MatchedSettings = Pick<UpstreamSettings, 'id' | 'name' | 'allowPatterns' | 'denyPatterns'>;

const consequences = {
  nothing: 'it allows nothing',
  beginning: 'it denies all that begins as it does',
} as const;

type NamedSettings = Pick<UpstreamSettings, 'url' | 'stripPrefix' | 'addPrefix'>;

/** What an image of the virtual registry is called at the upstream. Undefined where it is not below what is stripped, or has no room for what is added. */
export function repositoryAt(
  { url, stripPrefix, addPrefix }: NamedSettings,
  name: RepositoryName,
): RepositoryName | undefined {
  const below = stripPrefix === undefined ? name : partBelow(stripPrefix, name);
  if (below === undefined) return undefined;
  const full = addPrefix === undefined ? below : `${addPrefix}/${below}`;
  return isRepositoryName(full) ? officialAt(url, full) : undefined;
}

/** As {@link repositoryAt}, where the image is called as at the upstream's registry. Undefined where it is not below what is added. */
export function ownRepositoryAt(
  { url, addPrefix }: NamedSettings,
  name: RepositoryName,
): RepositoryName | undefined {
  const full = officialAt(url, name);
  return addPrefix === undefined || partBelow(addPrefix, full) !== undefined ? full : undefined;
}

function partBelow(prefix: string, name: RepositoryName): string | undefined {
  return name.startsWith(`${prefix}/`) ? name.slice(prefix.length + 1) : undefined;
}

/** Docker Hub keeps its official images, which have names of one segment, in `library/`. */
function officialAt(url: string, name: RepositoryName): RepositoryName {
  const official = `library/${name}`;
  return !name.includes('/') && isDockerHub(new URL(url)) && isRepositoryName(official) ? official : name;
}

/**
 * Patterns are matched against the name at the upstream, so that `library/*` means Docker Hub's official images whatever a client wrote.
 * A star stays within a segment, two go across. What is denied is denied even where it is allowed as well. Of what was stored and
 * cannot be read, an allowed pattern allows nothing, and a denied one denies all that begins as it does.
 */
export function matcherOf(
  { id, name, allowPatterns, denyPatterns }: MatchedSettings,
  log: Log,
): (repository: string) => boolean {
  const recall = (texts: readonly string[], otherwise: 'nothing' | 'beginning') =>
    Globs.recall(texts, otherwise, (pattern, error) => {
      const fields = { upstream: id, name, pattern: pattern.slice(0, maxGlobLength), reason: error.message };
      log.warn(fields, `a pattern of an upstream cannot be read: ${consequences[otherwise]}`);
    });
  const allowed = recall(allowPatterns, 'nothing');
  const denied = recall(denyPatterns, 'beginning');
  return (repository) => {
    if (denied.matches(repository)) {
      log.debug({ upstream: id, name, repository, denyPatterns }, 'a pattern of an upstream denies an image');
      return false;
    }
    if (allowPatterns.length === 0 || allowed.matches(repository)) return true;
    log.debug({ upstream: id, name, repository, allowPatterns }, 'no pattern of an upstream allows an image');
    return false;
  };
}
