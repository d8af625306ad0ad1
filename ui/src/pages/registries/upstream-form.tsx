/** Adds or changes an upstream, and tries it before it is saved. */
import { useRef, useState } from 'preact/hooks';
import type { Schemas } from '../../api/schema.ts';
import { apiErrorOf, useApi } from '../../api/use-api.ts';
import { Dialog } from '../../components/dialog.tsx';
import { CheckBox, TextArea, TextField } from '../../components/fields.tsx';
import { Form, FormValues } from '../../components/form.tsx';
import { Notice } from '../../components/notice.tsx';
import { upstreamTexts as t } from '../../texts/registries.ts';
import { shell } from '../../texts/shell.ts';
import type { PlacedUpstream } from './placed-upstream.ts';

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
          const body = { ...settingsOf(values), ...credentialsOf(values) };
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
          <TextField name="username" label={t.username} value={upstream?.username} />
          <TextField
            name="password"
            label={t.password}
            type="password"
            hint={upstream ? t.passwordHint : t.passwordNewHint}
            autocomplete="new-password"
          />
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
        <ConnectionTest groupId={registry.group_id} upstream={upstream} />
      </Form>
    </Dialog>
  );
}

type Result = { readonly kind: 'good' | 'bad'; readonly text: string };

/** Tries what is filled in, as it stands. */
function ConnectionTest({
  groupId,
  upstream,
}: {
  readonly groupId: number;
  readonly upstream: PlacedUpstream | undefined;
}) {
  const api = useApi();
  const button = useRef<HTMLButtonElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [result, setResult] = useState<Result>();
  const run = async () => {
    const form = button.current?.form;
    if (!form) return;
    const values = new FormValues(new FormData(form));
    const { url, add_prefix, allow_private_network, tls_verify, ca_certificate } = settingsOf(values);
    const body = {
      url,
      add_prefix,
      allow_private_network,
      tls_verify,
      ca_certificate,
      ...credentialsOf(values),
    };
    setBusy(true);
    try {
      const answer = await (upstream
        ? api.call('POST /virtual_registries/container/upstreams/{id}/test', {
            path: { id: upstream.id },
            body,
          })
        : api.call('POST /groups/{id}/-/virtual_registries/container/upstreams/test', {
            path: { id: groupId },
            body,
          }));
      setResult(answer.success ? { kind: 'good', text: t.testGood } : { kind: 'bad', text: answer.result });
    } catch (failure) {
      setResult({ kind: 'bad', text: apiErrorOf(failure).message });
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="section">
      <div>
        <button type="button" ref={button} disabled={isBusy} onClick={run}>
          {isBusy ? t.testing : t.test}
        </button>
      </div>
      <div role="status">{result && <Notice kind={result.kind}>{result.text}</Notice>}</div>
    </div>
  );
}

function settingsOf(values: FormValues) {
  return {
    url: values.text('url'),
    name: values.text('name'),
    description: values.optional('description') ?? null,
    cache_validity_hours: values.number('cache_validity_hours'),
    allow_patterns: values.lines('allow_patterns'),
    deny_patterns: values.lines('deny_patterns'),
    add_prefix: values.optional('add_prefix') ?? null,
    strip_prefix: values.optional('strip_prefix') ?? null,
    ca_certificate: values.optional('ca_certificate') ?? null,
    tls_verify: values.checked('tls_verify'),
    allow_private_network: values.checked('allow_private_network'),
  };
}

/** Only what was filled in: a password that is there is kept. */
function credentialsOf(values: FormValues) {
  const username = values.optional('username');
  const password = values.secret('password');
  return { ...(username && { username }), ...(password && { password }) };
}
