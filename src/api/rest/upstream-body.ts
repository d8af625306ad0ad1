/** An upstream as JSON: GitLab's fields and ours. Passwords go in and never come out. */
import type { HealthOf } from '../../management/upstream-state.ts';
import type { RegistryUpstream } from '../../metadata/registry-upstreams.ts';
import type { UpstreamRecord } from '../../metadata/upstreams.ts';
import type { UpstreamHealth } from '../../upstreams/upstream.ts';
import { formatInstant } from './dates.ts';

export function upstreamBody(upstream: UpstreamRecord, healthOf: HealthOf) {
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
export function positionBody({ id, registryId, position }: RegistryUpstream) {
  return { id, registry_id: registryId, position };
}

function healthBody(health: UpstreamHealth | undefined) {
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
