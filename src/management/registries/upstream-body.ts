/** An upstream as JSON: GitLab's fields and ours. Passwords go in and never come out. */
import { z } from 'zod';
import type { RegistryUpstream } from '../../metadata/registries/registry-upstreams.ts';
import type { UpstreamRecord } from '../../metadata/registries/upstreams.ts';
import type { UpstreamHealth } from '../../upstreams/upstream.ts';
import { formatInstant } from '../endpoint/dates.ts';
import { type BodyOf, instantText } from '../endpoint/response.ts';
import type { HealthOf } from './upstream-state.ts';

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
    allow_patterns: z.array(z.string()),
    deny_patterns: z.array(z.string()),
    allow_private_network: z.boolean(),
    health: healthResponse,
    created_at: instantText,
    updated_at: instantText,
  })
  .meta({ id: 'Upstream' });

export const positionResponse = z.object({ id: z.int(), registry_id: z.int(), position: z.int() });

export function upstreamBody(upstream: UpstreamRecord, healthOf: HealthOf): BodyOf<typeof upstreamResponse> {
  return {
    id: upstream.id,
    group_id: upstream.groupId,
    url: upstream.url,
    name: upstream.name,
    description: upstream.description ?? null,
    cache_validity_hours: upstream.cacheValidityHours,
    username: upstream.username ?? null,
    allow_patterns: upstream.allowPatterns,
    deny_patterns: upstream.denyPatterns,
    allow_private_network: upstream.allowPrivateNetwork,
    health: healthBody(healthOf(upstream.id)),
    created_at: formatInstant(upstream.createdAt),
    updated_at: formatInstant(upstream.updatedAt),
  };
}

/** Inside of an upstream's body, which says which upstream it is. */
export function positionBody({
  id,
  registryId,
  position,
}: RegistryUpstream): BodyOf<typeof positionResponse> {
  return { id, registry_id: registryId, position };
}

function healthBody(health: UpstreamHealth | undefined): BodyOf<typeof healthResponse> {
  const error = health?.lastError;
  const quota = health?.quota;
  return {
    breaker: health?.breaker ?? 'closed',
    open_until: formatInstant(health?.openUntil),
    last_error: error ? { at: formatInstant(error.at), message: error.message } : null,
    last_success: formatInstant(health?.lastSuccessAt),
    quota: quota
      ? {
          limit: quota.limit ?? null,
          remaining: quota.remaining ?? null,
          window_seconds: quota.windowSeconds ?? null,
          seen_at: formatInstant(quota.seenAt),
        }
      : null,
  };
}
