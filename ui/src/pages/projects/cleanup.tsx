/** The cleanup policy of a project, with what its next run would do while it is edited. */
import { useState } from 'preact/hooks';
import type { Answer } from '../../api/api.ts';
import { chosen } from '../../api/choices.ts';
import { useAnswer, useApi } from '../../api/use-api.ts';
import { Confirm } from '../../components/dialog.tsx';
import { CheckBox, Select, TextField } from '../../components/fields.tsx';
import { Form, FormValues } from '../../components/form.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Section } from '../../components/page.tsx';
import { useToast } from '../../components/toast.tsx';
import { Facts, Instant } from '../../components/values.tsx';
import { numberText } from '../../format.ts';
import { cleanupTexts as t } from '../../texts/projects.ts';
import { tagsTexts } from '../../texts/repositories.ts';
import { shell } from '../../texts/shell.ts';
import { Fates } from '../repositories/fates.tsx';

const cadences = ['1d', '7d', '14d', '1month', '3month'] as const;
const counts = [1, 5, 10, 25, 50, 100] as const;
const ages = ['7d', '14d', '30d', '60d', '90d'] as const;
/** The preview follows a moment after the last change. */
const waitMs = 400;

type Preview = Answer<'GET /projects/{id}/container_expiration_policy/preview'>;
type Policy = Preview['policy'];

interface CleanupProps {
  readonly id: string;
  readonly policy: Policy;
  readonly onSaved: () => void;
}

export function Cleanup({ id, policy, onSaved }: CleanupProps) {
  const api = useApi();
  const tell = useToast();
  const [edited, setEdited] = useState<Partial<ReturnType<typeof policyOf>>>({});
  const [timer, setTimer] = useState(0);
  const [isAsking, setAsking] = useState(false);
  const { enabled: _enabled, cadence: _cadence, ...query } = edited;
  const preview = useAnswer('GET /projects/{id}/container_expiration_policy/preview', {
    path: { id },
    query,
  });
  const follow = (event: Event) => {
    if (!(event.currentTarget instanceof HTMLElement)) return;
    const form = event.currentTarget.querySelector('form');
    clearTimeout(timer);
    setTimer(
      window.setTimeout(() => form && setEdited(policyOf(new FormValues(new FormData(form)))), waitMs),
    );
  };
  return (
    <Section title={t.title} intro={t.intro}>
      <div class="beside">
        <div class="card" onInput={follow}>
          <Form
            action={shell.save}
            onSubmit={async (values) => {
              const container_expiration_policy_attributes = policyOf(values);
              await api.call('PUT /projects/{id}', {
                path: { id },
                body: { container_expiration_policy_attributes },
              });
              tell(t.saved);
              setEdited({});
              onSaved();
              preview.reload();
            }}
          >
            <PolicyFields policy={policy} />
          </Form>
        </div>
        <div class="stack">
          <LoadState of={preview}>
            {(found) => (
              <>
                <h3>{t.previewTitle}</h3>
                <Fates of={found} />
                <LastRun preview={found} />
                <div>
                  <button type="button" disabled={!policy.enabled} onClick={() => setAsking(true)}>
                    {t.runNow}
                  </button>
                </div>
                {isAsking && (
                  <Confirm
                    title={t.runTitle}
                    action={t.runNow}
                    onClose={() => setAsking(false)}
                    onConfirm={async () => {
                      await api.call('POST /projects/{id}/container_expiration_policy/run', { path: { id } });
                      tell(t.running);
                    }}
                  >
                    <p>{t.runText(found.delete_count)}</p>
                  </Confirm>
                )}
              </>
            )}
          </LoadState>
        </div>
      </div>
    </Section>
  );
}

function PolicyFields({ policy }: { readonly policy: Policy }) {
  const none = (label: string) => ({ value: '', label });
  return (
    <>
      <CheckBox name="enabled" label={t.enabled} isChecked={policy.enabled} />
      <Select
        name="cadence"
        label={t.cadence}
        value={policy.cadence}
        choices={cadences.map((value) => ({ value, label: t.cadences[value] }))}
      />
      <TextField name="name_regex" label={t.nameRegex} hint={t.nameRegexHint} value={policy.name_regex} />
      <TextField name="name_regex_keep" label={t.nameRegexKeep} value={policy.name_regex_keep} />
      <Select
        name="keep_n"
        label={t.keepN}
        value={String(policy.keep_n ?? '')}
        choices={[none(t.keepNone), ...counts.map((each) => ({ value: String(each), label: String(each) }))]}
      />
      <Select
        name="older_than"
        label={t.olderThan}
        value={policy.older_than ?? ''}
        choices={[none(t.whateverAge), ...ages.map((value) => ({ value, label: t.ages[value] }))]}
      />
      <Select
        name="not_pulled_for"
        label={t.notPulledFor}
        value={policy.not_pulled_for ?? ''}
        choices={[none(t.wheneverPulled), ...ages.map((value) => ({ value, label: t.ages[value] }))]}
      />
      <TextField
        name="repository_regex"
        label={t.repositoryRegex}
        hint={t.repositoryRegexHint}
        value={policy.repository_regex}
      />
    </>
  );
}

function policyOf(values: FormValues) {
  return {
    enabled: values.checked('enabled'),
    cadence: chosen(values.text('cadence'), cadences, '1d'),
    name_regex_delete: values.optional('name_regex') ?? null,
    name_regex_keep: values.optional('name_regex_keep') ?? null,
    keep_n: chosen(values.text('keep_n'), counts, null),
    older_than: chosen(values.text('older_than'), ages, null),
    not_pulled_for: chosen(values.text('not_pulled_for'), ages, null),
    repository_regex: values.optional('repository_regex') ?? null,
  };
}

function LastRun({ preview: { policy, last_run: run } }: { readonly preview: Preview }) {
  const kept = Object.entries(run?.kept_counts ?? {}).map(
    ([rule, count]) => `${numberText(count)} ${tagsTexts.rules.get(rule) ?? rule}`,
  );
  return (
    <>
      <h3>{t.lastRun}</h3>
      {run ? (
        <Facts
          of={[
            [t.startedAt, <Instant key="at" at={run.started_at} />],
            [t.deletedCount, numberText(run.deleted_count)],
            [t.keptCount, kept.join(', ') || numberText(0)],
            [t.failedCount, numberText(run.failed_count)],
            ...(run.error === null ? [] : [[t.error, run.error] as const]),
            [t.nextRun, <Instant key="next" at={policy.next_run_at} never={t.notEnabled} />],
          ]}
        />
      ) : (
        <p class="muted">
          {t.neverRan} {t.nextRun}: <Instant at={policy.next_run_at} never={t.notEnabled} />
        </p>
      )}
    </>
  );
}
