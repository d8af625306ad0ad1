/** What an image is called at an upstream, and whether it may be asked for there. */
import picomatch from 'picomatch';
import { isRepositoryName, type RepositoryName } from '../oci/reference.ts';
import type { UpstreamSettings } from './upstream.ts';

const dockerHubHosts = new Set([
  'registry-1.docker.io',
  'docker.io',
  'index.docker.io',
  'registry.hub.docker.com',
]);

export function isDockerHub(url: string): boolean {
  return dockerHubHosts.has(new URL(url).hostname);
}

/** Docker Hub keeps its official images, which have names of one segment, in `library/`. */
export function repositoryAt(url: string, image: RepositoryName): RepositoryName {
  const official = `library/${image}`;
  return !image.includes('/') && isDockerHub(url) && isRepositoryName(official) ? official : image;
}

/**
 * Patterns are matched against the name at the upstream, so that `library/*` means Docker Hub's official images whatever a client wrote.
 * A star stays within a segment, two go across. What is denied is denied even where it is allowed as well.
 */
export function matcherOf({
  allowPatterns,
  denyPatterns,
}: Pick<UpstreamSettings, 'allowPatterns' | 'denyPatterns'>): (repository: string) => boolean {
  const options = { dot: true, nonegate: true };
  const isAllowed = allowPatterns.length === 0 ? () => true : picomatch([...allowPatterns], options);
  const isDenied = denyPatterns.length === 0 ? () => false : picomatch([...denyPatterns], options);
  return (repository) => isAllowed(repository) && !isDenied(repository);
}
