/** What an operator can set, validated and frozen. Defaults are in default.yaml only. */
import { z } from 'zod';
import { mirrorSettings, registryHost } from './mirror-settings.ts';
import {
  address,
  bytes,
  bytesOrNone,
  count,
  databaseUrl,
  directory,
  duration,
  durationOrNone,
  file,
  flag,
  groupRole,
  httpUrl,
  listOf,
  name,
  network,
  oneOf,
  optional,
  origin,
  period,
  periodOrNever,
  proxy,
  redisUrl,
  required,
  section,
  secureUrl,
  tokenLifetime,
  workers,
} from './setting-values.ts';
import { storageSettings } from './storage-settings.ts';
import { upstreamSettings } from './upstream-settings.ts';
import { webhookSettings } from './webhook-settings.ts';

const sparseManifests = ['none', 'indexes', 'all'] as const;
const accessLevels = ['enabled', 'private', 'disabled'] as const;
const logFormats = ['auto', 'json', 'pretty'] as const;
const loggedRequests = ['all', 'sampled', 'errors'] as const;
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Where and how clients are served. */
const tls = section({ certificate: optional(file), key: optional(file) }).refine(
  ({ certificate, key }) => (certificate === undefined) === (key === undefined),
  'expected both certificate and key, or neither',
);

const http = section({
  address: required(address),
  externalUrl: origin(),
  relativeUrls: flag(),
  redirect: optional(address),
  page: flag(),
  trustedProxies: listOf(network()),
  tls,
  maxConnections: count(4, 1_000_000),
  maxConnectionsPerAddress: count(1, 1_000_000),
  shutdownMs: durationOrNone(),
  workers: workers(),
}).refine(
  ({ redirect, externalUrl }) => redirect === undefined || externalUrl?.startsWith('https:') === true,
  { message: 'expected an http.external_url of https beside it', path: ['redirect'] },
);

/** Tokens of another service: where they are to be had, what they say, and whose signature counts. */
const auth = section({
  required: flag(),
  tokenMs: tokenLifetime(),
  services: listOf(required(name)),
  issuer: required(name),
  certificate: optional(file),
  key: optional(file),
  tokenRealm: optional(httpUrl),
  tokenService: optional(name),
  tokenIssuer: optional(name),
  tokenRootcertbundle: optional(file),
  tokenJwksUrl: optional(httpUrl),
  oidcIssuer: optional(secureUrl),
  oidcClientId: optional(name),
  oidcScopes: listOf(required(name)),
  oidcUsernameClaim: required(name),
  oidcGroupsClaim: required(name),
  oidcGroupRoles: listOf(required(groupRole)),
  oidcCreateUsers: flag(),
})
  .refine(
    ({ certificate, key }) => (certificate === undefined) === (key === undefined),
    'expected both certificate and key, or neither',
  )
  .refine(
    ({ oidcIssuer, oidcClientId }) => (oidcIssuer === undefined) === (oidcClientId === undefined),
    'expected both oidc_issuer and oidc_client_id, or neither',
  )
  .refine(({ oidcScopes }) => oidcScopes.includes('openid'), 'expected openid among oidc_scopes')
  .refine(
    ({ tokenRealm, tokenService, tokenIssuer }) =>
      new Set([tokenRealm, tokenService, tokenIssuer].map((each) => each === undefined)).size === 1,
    'expected token_realm, token_service and token_issuer, or none of them',
  )
  .refine(
    ({ tokenRealm, tokenRootcertbundle, tokenJwksUrl }) =>
      [tokenRootcertbundle, tokenJwksUrl].filter((each) => each !== undefined).length ===
      (tokenRealm === undefined ? 0 : 1),
    'expected either token_rootcertbundle or token_jwks_url with token_realm, and neither without it',
  );

/** What becomes a {@link Config}; names in code as setting-names.ts has them. */
export const configSchema = section({
  dataDirectory: required(directory),
  http,
  operations: section({ address: optional(address) }),
  database: section({ url: optional(databaseUrl) }),
  sharedCache: section({ url: optional(redisUrl) }),
  cluster: section({
    address: optional(address),
    advertisedAddress: optional(address),
    reachMs: duration(),
  }),
  storage: storageSettings,
  hosted: section({
    enabled: flag(),
    defaultAccessLevel: oneOf(accessLevels),
    personalNamespaces: flag(),
    maxUploadBytes: bytes(),
    maxManifestBytes: bytes(),
    maxManifestReferences: count(1, 100_000),
    maxTags: count(1, 10_000_000),
    maxUploads: count(1, 1_000_000),
    uploadExpiryMs: duration(),
    sparseManifests: oneOf(sparseManifests),
  }),
  scrub: section({ bytesPerSecond: bytesOrNone(), intervalMs: duration() }),
  gc: section({
    reviewAfterMs: period(),
    pollMs: duration(),
    untaggedMs: periodOrNever(),
    reviewsPerSecond: count(0, 1_000_000),
  }),
  maintenance: section({ readOnly: flag() }),
  auth,
  externalRegistry: section({
    apiUrl: optional(httpUrl),
    service: optional(name),
    host: optional(registryHost),
  }).refine(
    ({ apiUrl, service }) => (apiUrl === undefined) === (service === undefined),
    'expected both api_url and service, or neither',
  ),
  virtualRegistries: section({
    enabled: flag(),
    maxPerGroup: count(1, 1000),
    maxUpstreams: count(1, 20),
    anonymousPrivate: flag(),
    redirect: flag(),
  }),
  rateLimits: section({
    requests: count(0, 1_000_000_000),
    pulls: count(0, 1_000_000_000),
    windowMs: duration(),
  }),
  outbound: section({
    httpsProxy: proxy(),
    httpProxy: proxy(),
    noProxy: listOf(z.string('expected hosts')),
    caFile: optional(file),
  }),
  upstreams: upstreamSettings,
  cache: section({
    maxBytes: bytesOrNone(),
    highWaterPercent: count(2, 100),
    lowWaterPercent: count(1, 99),
    hotManifestBytes: bytes(),
    notFoundMs: durationOrNone(),
    notFoundSignatureMs: durationOrNone(),
    listMs: durationOrNone(),
    backoffMs: durationOrNone(),
    usageFlushMs: duration(),
  }).refine(
    ({ lowWaterPercent, highWaterPercent }) => lowWaterPercent < highWaterPercent,
    'expected a low_water_percent below high_water_percent',
  ),
  webhooks: section(webhookSettings),
  mirrors: mirrorSettings(),
  tracing: section({ endpoint: optional(httpUrl), percent: count(0, 100) }),
  log: section({ level: oneOf(logLevels), format: oneOf(logFormats), requests: oneOf(loggedRequests) }),
})
  .refine(
    ({ externalRegistry: { service }, auth: { services } }) =>
      service === undefined || services.includes(service),
    { message: 'expected one of auth.services', path: ['externalRegistry', 'service'] },
  )
  .refine(
    ({ http: { externalUrl }, mirrors }) =>
      externalUrl === undefined || !mirrors.some(({ host }) => host === new URL(externalUrl).hostname),
    { message: 'expected another host than that of http.external_url', path: ['mirrors'] },
  );

/** default.yaml in camelCase, durations in milliseconds and sizes in bytes; an empty text whose comment says "empty: …" is undefined. */
export type Config = z.output<typeof configSchema>;
