/** Who asks a cloud for a login to its registries, and at which hosts a provider's logins may be used at all. */
import type { Transport } from '../../outbound/transport.ts';

export const cloudProviders = ['ecr', 'ecr-public', 'google', 'azure'] as const;
export type CloudProvider = (typeof cloudProviders)[number];

export interface CloudIdentity {
  readonly provider: CloudProvider;
  /** A secret access key, a private key as PEM, or a client's secret. Undefined: the server is who its machine or cluster says that it is. */
  readonly secret?: string | undefined;
  /** AWS: whose the secret is. */
  readonly accessKeyId?: string | undefined;
  /** AWS: the role that is assumed with either. */
  readonly roleArn?: string | undefined;
  readonly externalId?: string | undefined;
  /** Google: the address of the service account whose key the secret is, and the key's own id. */
  readonly serviceAccount?: string | undefined;
  readonly keyId?: string | undefined;
  /** Azure: the application whose secret it is; without one, the managed identity that is meant where there are several. */
  readonly tenantId?: string | undefined;
  readonly clientId?: string | undefined;
}

/** What a registry takes from Docker's login, for a while. */
export interface CloudLogin {
  readonly username: string;
  readonly password: string;
  readonly lifetimeMs: number;
}

export interface CloudAsking {
  /** The upstream's URL. */
  readonly registry: URL;
  readonly transport: Transport;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** What the operator of the server says of clouds. */
export interface CloudRules {
  /** Registries where the server may use its own identity; `*.` at the begin stands for any host below. */
  readonly ambientHosts: readonly string[];
  /** `registry host=URL`: registries besides the clouds' own, and where their logins are to be had. */
  readonly cloudEndpoints: readonly string[];
}

export interface CloudPlace {
  /** Where logins are to be had in place of the cloud's own address. */
  readonly endpoint: URL | undefined;
  /** Of AWS. */
  readonly region: string;
  readonly isFips: boolean;
}

const defaultRegion = 'us-east-1';

/** https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html and ecr-requests.html, for all partitions. */
const ecrHost =
  /^\d{12}\.dkr[.-]ecr(?<fips>-fips)?\.(?<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|on\.aws|on\.amazonwebservices\.com\.cn|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$/;

const hosts: Readonly<Record<CloudProvider, { readonly pattern: RegExp; readonly shown: string }>> = {
  ecr: { pattern: ecrHost, shown: 'ACCOUNT.dkr.ecr.REGION.amazonaws.com' },
  'ecr-public': { pattern: /^(?:public\.ecr\.aws|ecr-public\.aws\.com)$/, shown: 'public.ecr.aws' },
  google: {
    pattern: /^(?:(?:[a-z0-9-]+\.)?gcr\.io|[a-z0-9-]+-docker\.pkg\.dev)$/,
    shown: 'REGION-docker.pkg.dev and gcr.io',
  },
  azure: { pattern: /^[a-z0-9][a-z0-9-]*\.azurecr\.(?:io|cn|us)$/, shown: 'NAME.azurecr.io, .cn or .us' },
};

/** Where logins of the provider come from that the registry may be sent; undefined where it may be sent none. */
export function findCloudPlace(
  provider: CloudProvider,
  registry: URL,
  { cloudEndpoints }: Pick<CloudRules, 'cloudEndpoints'>,
): CloudPlace | undefined {
  const own = cloudEndpoints.find((pair) => pair.startsWith(`${registry.host}=`));
  if (own !== undefined) {
    const endpoint = new URL(own.slice(registry.host.length + 1));
    return { endpoint, region: regionIn(endpoint.hostname), isFips: false };
  }
  const found =
    registry.protocol === 'https:' && registry.port === '' && hosts[provider].pattern.exec(registry.hostname);
  if (!found) return undefined;
  const { region = defaultRegion, fips } = found.groups ?? {};
  return { endpoint: undefined, region, isFips: fips !== undefined };
}

/** Why a registry is sent no login of the provider. */
export function strangerFault(provider: CloudProvider, registry: URL): string {
  return `logins of ${provider} are for https://${hosts[provider].shown} alone, not for ${registry.origin}, unless upstreams.cloud_endpoints names it`;
}

/** Why the server may not be who it is there; undefined where it may, and where the identity has a key of its own. */
export function ambientFault(
  { secret }: Pick<CloudIdentity, 'secret'>,
  { host }: URL,
  { ambientHosts }: Pick<CloudRules, 'ambientHosts'>,
): string | undefined {
  const isAllowed = ambientHosts.some((each) =>
    each.startsWith('*.') ? host.endsWith(each.slice(1)) : each === host,
  );
  return secret !== undefined || isAllowed
    ? undefined
    : `without a key it would be the server's own identity, which may not be used at ${host}: give a key, or have the operator add ${host} to upstreams.ambient_hosts`;
}

/** As in `vpce-1-2.api.ecr.eu-west-1.vpce.amazonaws.com`. */
function regionIn(hostname: string): string {
  return /\.([a-z]{2}(?:-[a-z]+)+-\d)\./.exec(hostname)?.[1] ?? defaultRegion;
}
