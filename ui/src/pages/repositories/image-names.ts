/** Images as people name and pull them. */
export function pullByTag(location: string, tag: string): string {
  return `docker pull ${location}:${tag}`;
}

export function pullByDigest(location: string, digest: string): string {
  return `docker pull ${location}@${digest}`;
}

/** As much of a digest as tells it from others. */
export function shortDigest(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1, digest.indexOf(':') + 13);
}

interface Platform {
  readonly os: string | null;
  readonly architecture: string | null;
  readonly variant: string | null;
}

/** `linux/arm64/v8`; empty where nothing is said. */
export function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== null).join('/');
}
