/** What is filled into the form of an upstream, as the API takes it. */
import type { FormValues } from '../../components/form.tsx';

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

/** Only what was filled in: a password that is there is kept. */
export function credentialsOf(values: FormValues) {
  const username = values.optional('username');
  const password = values.secret('password');
  return { ...(username && { username }), ...(password && { password }) };
}
