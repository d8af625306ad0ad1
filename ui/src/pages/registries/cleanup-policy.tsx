/** The cleanup policy of a group's caches, which only its Owners see. */
import { useState } from 'preact/hooks';
import type { Answer } from '../../api/api.ts';
import { useAnswer, useApi } from '../../api/use-api.ts';
import { Badge } from '../../components/badge.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { CheckBox, Select, TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Section } from '../../components/page.tsx';
import { Facts, Instant } from '../../components/values.tsx';
import { bytesText, numberText } from '../../format.ts';
import { limitTexts as t } from '../../texts/caches.ts';
import { shell } from '../../texts/shell.ts';

type Policy = Answer<'GET /groups/{id}/-/virtual_registries/cleanup/policy'>;

const cadences = [1, 7, 14, 30, 90].map((days) => ({ value: String(days), label: numberText(days) }));
const defaults = { cadence: 7, keepDays: 30 };

export function CleanupPolicy({ groupId }: { readonly groupId: number }) {
  const api = useApi();
  const [isChanging, setChanging] = useState(false);
  const path = { id: groupId };
  const policy = useAnswer('GET /groups/{id}/-/virtual_registries/cleanup/policy', { path });
  const status = policy.error?.status;
  const isAbsent = status === 404;
  const data = isAbsent ? undefined : policy.data;
  return (
    <Section
      title={t.policyTitle}
      intro={t.policyIntro}
      actions={
        (data || isAbsent) && (
          <>
            <button type="button" onClick={() => setChanging(true)}>
              {data ? t.policyEdit : t.policyNew}
            </button>
            {data && (
              <button
                type="button"
                onClick={async () => {
                  await api.call('DELETE /groups/{id}/-/virtual_registries/cleanup/policy', { path });
                  policy.reload();
                }}
              >
                {t.policyDelete}
              </button>
            )}
          </>
        )
      }
    >
      {isAbsent ? (
        <p class="muted">{t.policyNone}</p>
      ) : status === 403 ? (
        <p class="muted">{t.ownersOnly}</p>
      ) : (
        <LoadState of={policy}>{(shown) => <PolicyFacts policy={shown} />}</LoadState>
      )}
      {isChanging && (
        <PolicyForm
          groupId={groupId}
          policy={data}
          onSaved={policy.reload}
          onClose={() => setChanging(false)}
        />
      )}
    </Section>
  );
}

function PolicyFacts({ policy }: { readonly policy: Policy }) {
  const { last_run_deleted_entries_count: entries, last_run_deleted_size: bytes } = policy;
  return (
    <div class="card">
      <Facts
        of={[
          [
            t.status,
            <Badge key="status" tone={policy.status === 'failed' ? 'bad' : 'plain'}>
              {policy.status}
            </Badge>,
          ],
          [t.enabled, policy.enabled ? shell.yes : shell.no],
          [t.cadence, numberText(policy.cadence)],
          [t.keepDays, numberText(policy.keep_n_days_after_download)],
          [t.nextRun, <Instant key="next" at={policy.next_run_at} />],
          [
            t.lastRun,
            <span key="last">
              <Instant at={policy.last_run_at} />
              {policy.last_run_at && ` (${t.lastRunText(numberText(entries), bytesText(bytes))})`}{' '}
              {policy.failure_message}
            </span>,
          ],
        ]}
      />
    </div>
  );
}

interface PolicyFormProps {
  readonly groupId: number;
  readonly policy: Policy | undefined;
  readonly onSaved: () => void;
  readonly onClose: () => void;
}

function PolicyForm({ groupId, policy, onSaved, onClose }: PolicyFormProps) {
  const api = useApi();
  return (
    <Dialog title={t.policyTitle} onClose={onClose}>
      <Form
        action={shell.save}
        onCancel={onClose}
        onSubmit={async (values) => {
          const body = {
            enabled: values.checked('enabled'),
            cadence: values.number('cadence'),
            keep_n_days_after_download: values.number('keep_n_days_after_download'),
          };
          const given = { path: { id: groupId }, body };
          if (policy) await api.call('PATCH /groups/{id}/-/virtual_registries/cleanup/policy', given);
          else await api.call('POST /groups/{id}/-/virtual_registries/cleanup/policy', given);
          onClose();
          onSaved();
        }}
      >
        <CheckBox name="enabled" label={t.enabled} isChecked={policy?.enabled ?? true} />
        <Select
          name="cadence"
          label={t.cadence}
          choices={cadences}
          value={String(policy?.cadence ?? defaults.cadence)}
        />
        <TextField
          name="keep_n_days_after_download"
          type="number"
          label={t.keepDays}
          min={1}
          max={365}
          value={policy?.keep_n_days_after_download ?? defaults.keepDays}
          isRequired
        />
      </Form>
    </Dialog>
  );
}
