/** An upstream as clients describe it, and as it is shown: GitLab's fields and ours. Passwords go in and never come out. */
import { z } from 'zod';
import type { UpstreamRecord } from '../../metadata/registries/upstreams.ts';
import { maxGlobLength } from '../../rules/glob.ts';
import { maxGlobs } from '../../rules/globs.ts';
import type { UpstreamHealth } from '../../upstreams/upstream.ts';
import { instantText } from '../endpoint/dates.ts';
import {
  filled,
  integerBetween,
  list,
  maxDescriptionLength,
  maxNameLength,
  orNone,
  someOf,
  text,
  truth,
} from '../endpoint/parameters.ts';
import type { AnswerOf, CamelCased } from '../endpoint/wire.ts';
import { credentialsBody, credentialsField, credentialsResponse } from './cloud-credentials.ts';
import type { HealthOf } from './upstream-state.ts';
import { maxUrlLength } from './upstream-url.ts';

const maxSecretLength = 510;
const maxPemLength = 65_536;
const maxProxyLength = 1024;
const maxHeaders = 20;
const maxHeaderLength = 2048;
const maxValidityHours = 32_767;

/** Commas belong to globs: `{alpine,redis}`. */
const patterns = list(filled(maxGlobLength), maxGlobs, ' ');
const description = text(maxDescriptionLength).nullable();
const prefix = text(maxNameLength).nullable();
const pem = text(maxPemLength).nullable();
/** How it is connected to. */
export const networkFields = {
  proxy: text(maxProxyLength)
    .nullable()
    .meta({ description: 'URL of an HTTP proxy, with its login; direct: none; null: as the server has it' })
    .optional(),
  ca_certificate: pem
    .meta({ description: 'PEM of authorities that are believed besides; null: none' })
    .optional(),
  client_certificate: pem
    .meta({ description: 'PEM, shown to the host of the URL alone, with client_key; null: none' })
    .optional(),
  client_key: pem.meta({ description: 'PEM, not encrypted; never shown' }).optional(),
  tls_verify: truth
    .meta({ description: 'Whether the certificate of the host of the URL is verified' })
    .optional(),
  custom_headers: z
    .array(z.object({ key: text(maxNameLength), value: text(maxHeaderLength) }))
    .max(maxHeaders)
    .meta({ description: 'What the origin of the URL alone is sent besides; all of them, anew' })
    .optional(),
};
const tokenHost = text(maxNameLength).nullable().meta({
  description:
    'Host of its token service, with or without a port, where that is on another domain than the registry; null: the registry’s own domain',
});
/** The most that an image has to be waited for: a year. */
const maxMinAgeHours = 8760;
export const quarantineFields = {
  min_age_hours: integerBetween(0, maxMinAgeHours)
    .meta({ description: 'How long an image has to be known here before it is let in; 0: not at all' })
    .optional(),
  min_age_exempt_patterns: patterns
    .meta({ description: 'Names at the upstream, with or without a tag, that need not be old' })
    .optional(),
  min_age_exempt_digests: truth
    .meta({ description: 'Whether what is pulled by digest need not be old' })
    .optional(),
  min_age_trust_created: truth
    .meta({
      description:
        'Whether the first image of a tag that was never seen before is as old as its config says; a tag that moves is waited for all the same',
    })
    .optional(),
};
const settings = {
  token_host: tokenHost.optional(),
  strip_prefix: prefix
    .meta({ description: 'Path that images are below here, and that the upstream does not know; null: none' })
    .optional(),
  add_prefix: prefix
    .meta({ description: 'Path at the upstream that all images are below; null: none' })
    .optional(),
  cache_validity_hours: integerBetween(0, maxValidityHours).optional(),
  allow_patterns: patterns.optional(),
  deny_patterns: patterns.optional(),
  allow_private_network: truth.optional(),
  ...quarantineFields,
  ...networkFields,
};
export const newUpstream = z.object({
  url: filled(maxUrlLength),
  name: filled(maxNameLength),
  description: orNone(description),
  username: text(maxSecretLength).nullish(),
  password: text(maxSecretLength).nullish(),
  credentials: credentialsField.optional(),
  ...settings,
});
export const upstreamChanges = someOf(
  z.object({
    url: filled(maxUrlLength).optional(),
    name: filled(maxNameLength).optional(),
    description: description.optional(),
    username: filled(maxSecretLength).optional(),
    password: filled(maxSecretLength).optional(),
    credentials: credentialsField.optional(),
    ...settings,
  }),
);
/** What a connection is tested with. */
export const triedAccess = z.object({
  username: text(maxSecretLength).nullish(),
  password: text(maxSecretLength).nullish(),
  credentials: credentialsField.optional(),
  token_host: tokenHost.optional(),
  add_prefix: prefix.optional(),
  allow_private_network: truth.optional(),
  ...networkFields,
});

export type NewUpstreamInput = CamelCased<z.output<typeof newUpstream>>;
/** What is undefined stays as it is; null clears. */
export type UpstreamInput = CamelCased<z.output<typeof upstreamChanges>>;

export const breaker = z.enum(['closed', 'open', 'half-open']);

const healthResponse = z.object({
  breaker,
  open_until: instantText.nullable(),
  last_error: z.object({ at: instantText, message: z.string() }).nullable(),
  last_success: instantText.nullable(),
  quota: z
    .object({
      limit: z.number().nullable(),
      remaining: z.number().nullable(),
      window_seconds: z.number().nullable(),
      seen_at: instantText,
    })
    .nullable()
    .meta({ description: 'What the upstream’s RateLimit headers said last' }),
});

export const upstreamResponse = z
  .object({
    id: z.int(),
    group_id: z.int(),
    url: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    cache_validity_hours: z.int(),
    username: z.string().nullable(),
    credentials: credentialsResponse,
    token_host: z.string().nullable(),
    strip_prefix: z.string().nullable(),
    add_prefix: z.string().nullable(),
    allow_patterns: z.array(z.string()),
    deny_patterns: z.array(z.string()),
    allow_private_network: z.boolean(),
    min_age_hours: z.int(),
    min_age_exempt_patterns: z.array(z.string()),
    min_age_exempt_digests: z.boolean(),
    min_age_trust_created: z.boolean(),
    proxy: z.string().nullable().meta({ description: 'Without its login' }),
    ca_certificate: z.string().nullable(),
    client_certificate: z.string().nullable(),
    tls_verify: z.boolean().meta({ description: 'Whether the certificate of its host is verified' }),
    custom_headers: z.array(z.object({ key: z.string() })),
    health: healthResponse,
    created_at: instantText,
    updated_at: instantText,
  })
  .meta({ id: 'Upstream' });

const positionResponse = z.object({ id: z.int(), registry_id: z.int(), position: z.int() });

export const placedResponse = upstreamResponse
  .extend({ registry_upstream: positionResponse })
  .meta({ id: 'PlacedUpstream' });
export const upstreamDetailsResponse = upstreamResponse
  .extend({ registry_upstreams: z.array(positionResponse) })
  .meta({ id: 'UpstreamDetails' });
export const connectionTestResponse = z
  .union([
    z.object({ success: z.literal(true) }),
    z.object({ success: z.literal(false), result: z.string().meta({ description: 'What went wrong' }) }),
  ])
  .meta({ id: 'ConnectionTest' });

/** Shows an upstream. A record may have more, which is shown where the answer has it. */
export function upstreamBody<U extends UpstreamRecord>(upstream: U, healthOf: HealthOf) {
  const known = healthOf(upstream.id) ?? untried;
  const health: AnswerOf<typeof healthResponse> = { ...known, lastSuccess: known.lastSuccessAt };
  const customHeaders = upstream.headerNames.map((key) => ({ key }));
  return { ...upstream, credentials: credentialsBody(upstream), customHeaders, health };
}

const untried: UpstreamHealth = {
  breaker: 'closed',
  openUntil: undefined,
  lastError: undefined,
  lastSuccessAt: undefined,
  quota: undefined,
};
