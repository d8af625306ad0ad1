/** What an operator can set: default.yaml ⊕ the operator's file ⊕ the environment, validated and frozen. Defaults are in default.yaml only. */
import { Document, stringify } from 'yaml';
import type { z } from 'zod';
import { httpSettings } from './http-settings.ts';
import { secretVariables } from './secret-variables.ts';
import {
  address,
  bytes,
  bytesOrNone,
  count,
  databaseUrl,
  directory,
  file,
  flag,
  groupRole,
  hostPair,
  httpUrl,
  listOf,
  name,
  network,
  oneOf,
  optional,
  periodSeconds,
  periodSecondsOrNever,
  redisUrl,
  required,
  seconds,
  secondsOrNone,
  section,
  secureUrl,
  tokenSeconds,
} from './setting-values.ts';
import {
  type Environment,
  Faults,
  findNearest,
  readVariable,
  readYaml,
  type Setting,
  variableNames,
  variableOf,
} from './settings.ts';
import { HeaderSetting, webhookSettings } from './webhook-settings.ts';

const sparseManifests = ['none', 'indexes', 'all'] as const;
const logFormats = ['auto', 'json', 'text'] as const;
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Tokens of another service: where they are to be had, what they say, and whose signature counts. */
const auth = section({
  required: flag(),
  tokenSeconds: tokenSeconds(),
  services: listOf(required(name)),
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

const schema = section({
  dataDirectory: required(directory),
  http: section(httpSettings),
  operations: section({ address: optional(address) }),
  database: section({ url: optional(databaseUrl) }),
  sharedCache: section({ url: optional(redisUrl) }),
  storage: section({
    directory: optional(directory),
    deleteEnabled: flag(),
    protectReferencedManifests: flag(),
    reserveBytes: bytesOrNone(),
  }),
  hosted: section({
    maxUploadBytes: bytes(),
    maxManifestBytes: bytes(),
    maxManifestReferences: count(1, 100_000),
    maxTags: count(1, 10_000_000),
    maxUploads: count(1, 1_000_000),
    uploadExpirySeconds: seconds(),
    sparseManifests: oneOf(sparseManifests),
  }),
  scrub: section({ bytesPerSecond: bytesOrNone(), intervalSeconds: seconds() }),
  gc: section({
    reviewAfter: periodSeconds(),
    interval: seconds(),
    untagged: periodSecondsOrNever(),
    reviewsPerSecond: count(0, 1_000_000),
  }),
  maintenance: section({ readOnly: flag() }),
  auth,
  virtualRegistries: section({
    maxPerGroup: count(1, 1000),
    maxUpstreams: count(1, 20),
    anonymousPrivate: flag(),
  }),
  rateLimits: section({ requests: count(0, 1_000_000_000), seconds: seconds() }),
  upstreams: section({
    allowedNetworks: listOf(network()),
    tokenHosts: listOf(hostPair()),
    maxConnections: count(1, 10_000),
    connectSeconds: seconds(),
    firstByteSeconds: seconds(),
    probeSeconds: seconds(),
    answerSeconds: seconds(),
    listSeconds: seconds(),
    queueSeconds: seconds(),
    idleSeconds: seconds(),
    minBytesPerSecond: bytesOrNone(),
    breakerFailures: count(1, 1_000_000),
    breakerSeconds: seconds(),
  }),
  cache: section({
    maxBytes: bytesOrNone(),
    highWaterPercent: count(2, 100),
    lowWaterPercent: count(1, 99),
    hotManifestBytes: bytes(),
    notFoundSeconds: secondsOrNone(),
    notFoundSignatureSeconds: secondsOrNone(),
    listSeconds: secondsOrNone(),
    backoffSeconds: secondsOrNone(),
    usageFlushSeconds: seconds(),
  }).refine(
    ({ lowWaterPercent, highWaterPercent }) => lowWaterPercent < highWaterPercent,
    'expected a low_water_percent below high_water_percent',
  ),
  webhooks: section(webhookSettings),
  log: section({ level: oneOf(logLevels), format: oneOf(logFormats) }),
});

/** default.yaml in camelCase; an empty text whose comment says "empty: …" is undefined. */
export type Config = z.output<typeof schema>;

export interface ConfigSources {
  /** The text of config/default.yaml. */
  readonly defaults: string;
  /** What the operator gave by --config. */
  readonly file?: { readonly name: string; readonly text: string } | undefined;
  readonly environment: Environment;
  /** Reads what a `…_FILE` variable names; throws where it cannot. */
  readonly readFile: (path: string) => string;
}

/** @throws ConfigError with every fault there is */
export function loadConfig({ defaults, file, environment, readFile }: ConfigSources): Config {
  const faults = new Faults();
  const settings = new Map(readYaml('default.yaml', defaults).map((setting) => [setting.path, setting]));
  const pathOf = new Map([...settings.keys()].map((path) => [variableOf(path), path]));

  for (const setting of (file && faults.collect(() => readYaml(file.name, file.text))) ?? []) {
    const { path, origin } = setting;
    if (settings.has(path)) settings.set(path, setting);
    else faults.add(origin, path, unknownMessage(path, [...settings.keys()]));
  }

  const known = [...pathOf.keys(), ...secretVariables];
  for (const name of variableNames(environment, new Set(known))) {
    const path = pathOf.get(name);
    const value = path && faults.collect(() => readVariable(environment, name, readFile));
    if (path !== undefined && value !== undefined) settings.set(path, { path, value, origin: name });
    if (!known.includes(name)) faults.add(name, '', unknownMessage(name, known));
  }

  const merged = new Document({});
  for (const { path, value } of settings.values()) merged.setIn(path.split('.').map(camelCase), value);
  const result = schema.safeParse(merged.toJS());
  for (const issue of result.error?.issues ?? []) {
    const path = issue.path.flatMap((key) => (typeof key === 'string' ? snakeCase(key) : [])).join('.');
    faults.add(originOf(path, settings), path, issue.message);
  }
  if (!result.success || faults.any) throw faults.toError();
  return result.data;
}

function unknownMessage(name: string, known: readonly string[]): string {
  const below = known.find((path) => path.startsWith(`${name}.`));
  if (below !== undefined) return `expected settings below it, such as ${below}`;
  const nearest = findNearest(name, known);
  return nearest === undefined ? 'no such setting' : `no such setting; did you mean ${nearest}?`;
}

/** Where a setting is written that this is, or is a part of; for a section, what was changed of it. */
function originOf(path: string, settings: ReadonlyMap<string, Setting>): string {
  const inside = [...settings.values()].filter(
    (setting) => `${setting.path}.`.startsWith(`${path}.`) || `${path}.`.startsWith(`${setting.path}.`),
  );
  const changed = inside.find((setting) => !setting.origin.startsWith('default.yaml'));
  return (changed ?? inside[0])?.origin ?? 'default.yaml';
}

/** The effective configuration as YAML that could be given as a file, were passwords in URLs not hidden. */
export function formatConfig(config: Config): string {
  return stringify(asWritten(config));
}

function asWritten(value: unknown): unknown {
  if (value === undefined) return '';
  if (typeof value === 'string') return withoutPassword(value);
  if (value instanceof HeaderSetting) return value.toString();
  if (Array.isArray(value)) return value.map(asWritten);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [snakeCase(key), asWritten(child)]));
}

/** A URL's text with *** for a password in its authority or its query; any other text as it is. */
export function withoutPassword(text: string): string {
  if (!/^[a-z]+:\/\//.test(text) || !URL.canParse(text)) return text;
  const url = new URL(text);
  if (url.password === '' && !url.searchParams.has('password')) return text;
  if (url.password !== '') url.password = '***';
  if (url.searchParams.has('password')) url.searchParams.set('password', '***');
  return url.href;
}

function camelCase(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
