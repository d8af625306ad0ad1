/** Who logs in to an upstream: by a name and a password, or by what a cloud gives. */
import { useState } from 'preact/hooks';
import { Select, TextArea, TextField } from '../../components/fields.tsx';
import { upstreamTexts as t } from '../../texts/registries.ts';
import type { PlacedUpstream } from './placed-upstream.ts';

const choices = Object.entries(t.providers).map(([value, label]) => ({ value, label }));

export function UpstreamLogin({ upstream }: { readonly upstream: PlacedUpstream | undefined }) {
  const stored = upstream?.credentials ?? undefined;
  const [provider, setProvider] = useState<string>(stored?.provider ?? 'basic');
  const known = stored?.provider === provider ? stored : undefined;
  const hint = known ? t.passwordHint : t.passwordNewHint;
  const secret = { type: 'password', autocomplete: 'new-password' } as const;
  return (
    <>
      <Select name="provider" label={t.provider} choices={choices} value={provider} onChange={setProvider} />
      {(provider === 'basic' || provider === 'harbor-robot') && (
        <>
          <TextField name="username" label={t.username} value={known?.username} />
          <TextField name="password" label={t.password} hint={hint} {...secret} />
        </>
      )}
      {(provider === 'ecr' || provider === 'ecr-public') && (
        <>
          <TextField
            name="access_key_id"
            label={t.accessKey}
            hint={t.ambientHint}
            value={known?.access_key_id}
          />
          <TextField name="secret_access_key" label={t.secretKey} hint={t.keyHint} {...secret} />
          <TextField name="role_arn" label={t.role} value={known?.role_arn} />
          <TextField name="external_id" label={t.externalId} value={known?.external_id} />
        </>
      )}
      {provider === 'google' && (
        <TextArea
          name="service_account_key"
          label={t.serviceAccount(known?.service_account)}
          hint={t.ambientHint}
        />
      )}
      {provider === 'azure' && (
        <>
          <TextField name="tenant_id" label={t.tenant} value={known?.tenant_id} />
          <TextField name="client_id" label={t.client} hint={t.ambientHint} value={known?.client_id} />
          <TextField name="client_secret" label={t.clientSecret} hint={t.keyHint} {...secret} />
        </>
      )}
    </>
  );
}
