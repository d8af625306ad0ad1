/** What can be set while the server runs. */
import type { Answer } from '../../api/api.ts';
import { chosen } from '../../api/choices.ts';
import { useAnswer, useApi } from '../../api/use-api.ts';
import { CheckBox, Select, TextField } from '../../components/fields.tsx';
import { Form, type FormValues } from '../../components/form.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Notice } from '../../components/notice.tsx';
import { Section } from '../../components/page.tsx';
import { useToast } from '../../components/toast.tsx';
import { settingsTexts as t } from '../../texts/administration.ts';
import { shell } from '../../texts/shell.ts';

type Found = Answer<'GET /application/settings'>;
const accessLevels = ['enabled', 'private', 'disabled'] as const;

export function Settings() {
  const api = useApi();
  const tell = useToast();
  const settings = useAnswer('GET /application/settings', {});
  return (
    <Section title={t.title} intro={t.titleIntro}>
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
                    container_registry_enabled: values.checked('container_registry_enabled'),
                    virtual_registries_enabled: values.checked('virtual_registries_enabled'),
                    ...changedValues(found, values),
                  },
                });
                tell(t.saved);
                settings.reload();
              }}
            >
              <CheckBox
                name="container_registry_enabled"
                label={t.isHostedOn}
                hint={t.isHostedOnHint}
                isChecked={found.container_registry_enabled}
              />
              <CheckBox
                name="virtual_registries_enabled"
                label={t.isVirtualOn}
                hint={t.isVirtualOnHint}
                isChecked={found.virtual_registries_enabled}
              />
              <Select
                name="default_container_registry_access_level"
                label={t.newProjects}
                choices={accessLevels.map((value) => ({ value, label: t.levels[value] }))}
                value={found.default_container_registry_access_level}
              />
              <TextField
                name="container_registry_token_expire_delay"
                label={t.tokenMinutes}
                value={found.container_registry_token_expire_delay}
              />
              <CheckBox
                name="maintenance_mode"
                label={t.isReadOnly}
                hint={t.isReadOnlyHint}
                isChecked={found.maintenance_mode}
              />
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

/** What is as it was is not sent: the configuration goes on to decide it where it does so now. */
function changedValues(found: Found, values: FormValues) {
  const { default_container_registry_access_level: level, container_registry_token_expire_delay: minutes } =
    found;
  const given = {
    level: chosen(values.text('default_container_registry_access_level'), accessLevels, level),
    minutes: values.number('container_registry_token_expire_delay') ?? null,
  };
  return {
    ...(given.level !== level && { default_container_registry_access_level: given.level }),
    ...(given.minutes !== minutes && { container_registry_token_expire_delay: given.minutes }),
  };
}
