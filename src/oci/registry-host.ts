/** How registries are called in the names of images. */

const dockerHub = 'docker.io';
/** Where Docker Hub's registry is, whatever it is called. */
export const dockerHubUrl = 'https://registry-1.docker.io';
const dockerHubHosts = new Set([
  dockerHub,
  'index.docker.io',
  new URL(dockerHubUrl).host,
  'registry.hub.docker.com',
]);

/**
 * The host, with its port where that is no default one, that images of a registry are called by: whichever of Docker Hub's hosts it is, `docker.io`.
 * @param registry the registry's URL, or its host as a client writes it
 */
export function registryHostOf(registry: string): string {
  const url = URL.parse(registry.includes('://') ? registry : `https://${registry}`);
  if (url === null) return registry;
  return isDockerHub(url) ? dockerHub : url.host;
}

export function isDockerHub({ hostname }: URL): boolean {
  return dockerHubHosts.has(hostname);
}

/** Which upstreams are asked, where a client says whose image it wants. */
export interface UpstreamChoice {
  /** That of their registry, by {@link registryHostOf}; images are called as they are there. */
  readonly host: string;
  /** Whether nobody had to say who they are. */
  readonly isForEveryone: boolean;
}
