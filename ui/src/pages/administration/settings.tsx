/** What can be set while the server runs. */
import { useAnswer, useApi } from '../../api/use-api.ts';
import { CheckBox, TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Notice } from '../../components/notice.tsx';
import { Section } from '../../components/page.tsx';
import { useToast } from '../../components/toast.tsx';
import { settingsTexts as t } from '../../texts/administration.ts';
import { shell } from '../../texts/shell.ts';

export function Settings() {
  const api = useApi();
  const tell = useToast();
  const settings = useAnswer('GET /application/settings', {});
  return (
    <Section title={t.readOnly} intro={t.readOnlyIntro}>
      <LoadState of={settings}>
        {(found) => (
          <div class="card form-card">
            {found.maintenance_mode && <Notice kind="warn">{t.on}</Notice>}
            <Form
              action={shell.save}
              onSubmit={async (values) => {
                await api.call('PUT /application/settings', {
                  body: {
                    maintenance_mode: values.checked('maintenance_mode'),
                    maintenance_mode_message: values.optional('maintenance_mode_message') ?? null,
                  },
                });
                tell(t.saved);
                settings.reload();
              }}
            >
              <CheckBox name="maintenance_mode" label={t.isReadOnly} isChecked={found.maintenance_mode} />
              <TextField
                name="maintenance_mode_message"
                label={t.message}
                hint={t.messageHint}
                value={found.maintenance_mode_message}
              />
            </Form>
          </div>
        )}
      </LoadState>
    </Section>
  );
}
