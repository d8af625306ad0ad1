/** Where an upstream may be. What its name resolves to is only known, and judged, when it is connected to. */
import { isRepositoryName } from '../../oci/reference.ts';
import { dockerHubUrl } from '../../oci/registry-host.ts';
import { localScheme } from '../../upstreams/local-upstream.ts';
import { RefusedError } from '../acting/refused-error.ts';

export const maxUrlLength = 255;

/** Says why an address may not be connected to; undefined where it may, and for a host that is a name. */
export type FindBlockedAddress = (host: string, allowPrivateNetwork: boolean) => string | undefined;

/**
 * The address of a registry as it is kept: without a trailing slash or /v2. Of this server: `entrepot:` and the path of a
 * group or project, whether or not there is one.
 * @throws RefusedError invalid for one that is none, or carries more than a place
 */
export function parseUpstreamUrl(text: string): string {
  const dockerHub = findDockerHub(text.trim());
  if (dockerHub !== undefined) return dockerHub;
  const url = URL.parse(text.trim());
  if (!url) throw fault('must be a valid URL', ...hintAtScheme(text.trim()));
  if (url.protocol === localScheme) return parseLocalUrl(text.trim());
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw fault('is blocked: Only allowed schemes are http, https', ...hintAtScheme(text.trim()));
  }
  if (url.username || url.password) throw fault('must not have credentials: they have fields of their own');
  if (text.includes('?') || text.includes('#')) throw fault('must not have a query or a fragment');
  const kept = url.origin + url.pathname.replace(/\/+$/, '').replace(/\/v2$/, '');
  if (url.pathname !== '/' && kept !== url.origin && publicRegistries.test(url.hostname))
    throw fault(
      `must have no path: ${url.origin} is the registry, and images have their whole names there, or begin with its add_prefix`,
    );
  if (kept.length > maxUrlLength) throw fault(`is too long (maximum is ${maxUrlLength} characters)`);
  return kept;
}

/** What people take for the address of Docker Hub's registry. */
const dockerHubPattern =
  /^(?:https?:\/\/)?(?:(?:registry-1\.|index\.|www\.)?docker\.io|(?:registry\.)?hub\.docker\.com)\.?(?::443)?(?<path>\/[^?#]*)?$/i;

/**
 * Docker Hub's registry where the text is one of its addresses, else undefined.
 * @throws RefusedError invalid where it goes on to an image
 */
function findDockerHub(text: string): string | undefined {
  const found = dockerHubPattern.exec(text);
  if (!found) return undefined;
  if (/^\/*(?:v[12]\/*)?$/.test(found.groups?.['path'] ?? '')) return dockerHubUrl;
  throw fault(`must have no path: Docker Hub is ${dockerHubUrl}, and images have their whole names there`);
}

/** Public registries whose images have no other place than right below them. */
const publicRegistries =
  /^(?:ghcr\.io|quay\.io|registry\.gitlab\.com|mcr\.microsoft\.com|public\.ecr\.aws|registry\.k8s\.io|(?:[\w-]+\.)?gcr\.io|[\w-]+\.pkg\.dev|[\w-]+\.azurecr\.io|[\w.-]+\.dkr\.ecr\.[\w.-]+)$/;

function hintAtScheme(text: string): readonly string[] {
  const [host] = /^(?:[\w-]+(?:\.[\w-]+)+(?::\d+)?|[\w-]+:\d+)(?=\/|$)/.exec(text) ?? [];
  return host === undefined ? [] : [`begins with https://, as in https://${host}`];
}

function parseLocalUrl(text: string): string {
  const path = text.slice(localScheme.length).replace(/\/+$/, '');
  if (isRepositoryName(path)) return localScheme + path;
  throw fault(
    `must be ${localScheme} and the full path of a group or project, as in ${localScheme}acme/shop`,
  );
}

/**
 * The host of a token service as URLs write it; with a port, that one is meant, and else any.
 * @returns null for none; undefined where nothing is said
 * @throws RefusedError invalid
 */
export function parseTokenHost(text: string | null | undefined): string | null | undefined {
  const host = text?.trim();
  if (!host) return text === undefined ? undefined : null;
  const url = /[\s/\\?#@]/.test(host) ? null : URL.parse(`https://${host}`);
  if (url) return url.host;
  throw new RefusedError('invalid', {
    token_host: ['must be a host, with or without a port, as in auth.example.com'],
  });
}

/**
 * @param place url of a remote registry, and the host of its token service
 * @throws RefusedError invalid
 */
export function demandAllowedAddress(
  { url, tokenHost }: { readonly url: string; readonly tokenHost?: string | null | undefined },
  allowPrivateNetwork: boolean,
  findBlockedAddress: FindBlockedAddress,
): void {
  for (const [attribute, at] of Object.entries({ url, token_host: tokenHost && `https://${tokenHost}` })) {
    const blocked = at && findBlockedAddress(addressOf(new URL(at).hostname), allowPrivateNetwork);
    if (blocked) throw new RefusedError('invalid', { [attribute]: [`is blocked: ${blocked}`] });
  }
}

/** IPv6 without its brackets; every name of this machine as its address. */
export function addressOf(hostname: string): string {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  return host === 'localhost' || host.endsWith('.localhost') ? '127.0.0.1' : host;
}

function fault(...texts: readonly string[]): RefusedError {
  return new RefusedError('invalid', { url: texts });
}
