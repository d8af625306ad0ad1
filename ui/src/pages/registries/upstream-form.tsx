/** Adds or changes an upstream, and tries it before it is saved. */
import type { Schemas } from '../../api/schema.ts';
import { useApi } from '../../api/use-api.ts';
import { Dialog } from '../../components/dialog.tsx';
import { CheckBox, TextArea, TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { upstreamTexts as t } from '../../texts/registries.ts';
import { shell } from '../../texts/shell.ts';
import type { PlacedUpstream } from './placed-upstream.ts';
import { ConnectionTrial, PatternTrial, QuarantineTrial } from './trials.tsx';
import { UpstreamLogin } from './upstream-login.tsx';
import { credentialsOf, settingsOf } from './upstream-values.ts';

interface UpstreamFormProps {
  readonly registry: Schemas['VirtualRegistryDetails'];
  /** Undefined: another is added. */
  readonly upstream?: PlacedUpstream;
  readonly onSaved: () => void;
  readonly onClose: () => void;
}

const defaultValidityHours = 24;

export function UpstreamForm({ registry, upstream, onSaved, onClose }: UpstreamFormProps) {
  const api = useApi();
  return (
    <Dialog title={upstream ? t.edit(upstream.name) : t.add} onClose={onClose} isWide>
      <Form
        action={upstream ? shell.save : t.add}
        onCancel={onClose}
        onSubmit={async (values) => {
          const body = { ...settingsOf(values), ...credentialsOf(values, upstream) };
          if (upstream)
            await api.call('PATCH /virtual_registries/container/upstreams/{id}', {
              path: { id: upstream.id },
              body,
            });
          else
            await api.call('POST /virtual_registries/container/registries/{id}/upstreams', {
              path: { id: registry.id },
              body,
            });
          onClose();
          onSaved();
        }}
      >
        <div class="columns">
          <TextField name="name" label={shell.name} value={upstream?.name} isRequired hasFocus />
          <TextField name="url" label={t.url} hint={t.urlHint} value={upstream?.url} isRequired />
          <UpstreamLogin upstream={upstream} />
          <TextArea
            name="allow_patterns"
            label={t.allow}
            hint={t.patternHint}
            value={upstream?.allow_patterns.join('\n')}
          />
          <TextArea
            name="deny_patterns"
            label={t.deny}
            hint={t.patternHint}
            value={upstream?.deny_patterns.join('\n')}
          />
          <TextField
            name="cache_validity_hours"
            label={t.validity}
            hint={t.validityHint}
            type="number"
            min={0}
            value={upstream?.cache_validity_hours ?? defaultValidityHours}
          />
          <TextField name="description" label={shell.description} value={upstream?.description} />
        </div>
        <details open={(upstream?.min_age_hours ?? 0) > 0}>
          <summary>{t.quarantine}</summary>
          <div class="columns">
            <TextField
              name="min_age_hours"
              label={t.minAge}
              hint={t.minAgeHint}
              type="number"
              min={0}
              value={upstream?.min_age_hours ?? 0}
            />
            <TextArea
              name="min_age_exempt_patterns"
              label={t.exempt}
              hint={t.exemptHint}
              value={upstream?.min_age_exempt_patterns.join('\n')}
            />
            <CheckBox
              name="min_age_exempt_digests"
              label={t.exemptDigests}
              isChecked={upstream?.min_age_exempt_digests ?? false}
            />
            <CheckBox
              name="min_age_trust_created"
              label={t.trustCreated}
              isChecked={upstream?.min_age_trust_created ?? false}
            />
          </div>
        </details>
        <details>
          <summary>{t.advanced}</summary>
          <div class="columns">
            <TextField name="add_prefix" label={t.addPrefix} value={upstream?.add_prefix} />
            <TextField name="strip_prefix" label={t.stripPrefix} value={upstream?.strip_prefix} />
            <TextArea name="ca_certificate" label={t.caCertificate} value={upstream?.ca_certificate ?? ''} />
            <div>
              <CheckBox name="tls_verify" label={t.tls} isChecked={upstream?.tls_verify ?? true} />
              <CheckBox
                name="allow_private_network"
                label={t.private}
                isChecked={upstream?.allow_private_network ?? false}
              />
            </div>
          </div>
        </details>
        <PatternTrial groupId={registry.group_id} />
        {upstream && <QuarantineTrial upstream={upstream} />}
        <ConnectionTrial groupId={registry.group_id} upstream={upstream} />
      </Form>
    </Dialog>
  );
}
