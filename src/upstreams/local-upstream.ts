/** An upstream that is this same server: what is hosted below the path of a group or project, with no network in between. */
import type { Log } from '../observe/log.ts';
import { isRepositoryName, type RepositoryName } from '../oci/reference.ts';
import { matcherOf, repositoryAt } from './repository-names.ts';
import type { Upstream, UpstreamSettings } from './upstream.ts';

/** A local upstream's URL is this and the full path of a group or project: `entrepot:acme/shop`. */
export const localScheme = 'entrepot:';

export type AnyUpstream = Upstream | LocalUpstream;

/** The path in a local upstream's URL; undefined for the URL of a remote one. */
export function localPathOf(url: string): string | undefined {
  return url.startsWith(localScheme) ? url.slice(localScheme.length) : undefined;
}

export class LocalUpstream {
  readonly settings: UpstreamSettings;
  readonly #path: string;
  readonly #isMatch: (name: string) => boolean;

  /** @param path that {@link localPathOf} found in the settings' URL */
  constructor(settings: UpstreamSettings, path: string, log: Log) {
    this.settings = settings;
    this.#path = path;
    this.#isMatch = matcherOf(settings, log);
  }

  /** What the repository is called on this server. It may be too long to be anything's name. */
  nameOf(name: RepositoryName): string {
    return `${this.#path}/${repositoryAt(this.settings, name) ?? name}`;
  }

  /** Undefined where the name is too long, so that nothing has it. */
  repositoryOf(name: RepositoryName): RepositoryName | undefined {
    const here = this.nameOf(name);
    return isRepositoryName(here) ? here : undefined;
  }

  /** Patterns are matched against the name below the path. */
  allows(name: RepositoryName): boolean {
    const below = repositoryAt(this.settings, name);
    return below !== undefined && this.#isMatch(below);
  }
}
