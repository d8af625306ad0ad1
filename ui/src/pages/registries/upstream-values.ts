/** What is filled into the form of an upstream, as the API takes it. */
import type { FormValues } from '../../components/form.tsx';
import type { PlacedUpstream } from './placed-upstream.ts';

export function settingsOf(values: FormValues) {
  return {
    url: values.text('url'),
    name: values.text('name'),
    description: values.optional('description') ?? null,
    cache_validity_hours: values.number('cache_validity_hours'),
    allow_patterns: values.lines('allow_patterns'),
    deny_patterns: values.lines('deny_patterns'),
    min_age_hours: values.number('min_age_hours'),
    min_age_exempt_patterns: values.lines('min_age_exempt_patterns'),
    min_age_exempt_digests: values.checked('min_age_exempt_digests'),
    min_age_trust_created: values.checked('min_age_trust_created'),
    add_prefix: values.optional('add_prefix') ?? null,
    strip_prefix: values.optional('strip_prefix') ?? null,
    ca_certificate: values.optional('ca_certificate') ?? null,
    tls_verify: values.checked('tls_verify'),
    allow_private_network: values.checked('allow_private_network'),
  };
}

/** Only what was filled in: what is secret and there is kept, with all that it belongs to. */
export function credentialsOf(values: FormValues, upstream: PlacedUpstream | undefined) {
  const provider = values.text('provider');
  const username = values.optional('username');
  const password = values.secret('password');
  const stored = upstream?.credentials ?? undefined;
  if (provider === 'basic' || (provider === stored?.provider && provider === 'harbor-robot'))
    return { ...(username && { username }), ...(password && { password }) };
  const secrets = {
    secret_access_key: values.secret('secret_access_key'),
    service_account_key: values.secret('service_account_key'),
    client_secret: values.secret('client_secret'),
  };
  const isKept = provider === stored?.provider && !stored.ambient && !Object.values(secrets).some(Boolean);
  if (isKept) return {};
  const given = {
    username,
    password,
    access_key_id: values.optional('access_key_id'),
    role_arn: values.optional('role_arn'),
    external_id: values.optional('external_id'),
    tenant_id: values.optional('tenant_id'),
    client_id: values.optional('client_id'),
    ...secrets,
  };
  const filled = Object.entries(given).filter(([, value]) => value);
  return { credentials: { provider: providerOf(provider), ...Object.fromEntries(filled) } };
}

const providers = ['harbor-robot', 'ecr', 'ecr-public', 'google', 'azure'] as const;

function providerOf(text: string): (typeof providers)[number] | 'basic' {
  return providers.find((each) => each === text) ?? 'basic';
}
