/** What can be set of a group, and its end. */
import { useState } from 'preact/hooks';
import type { Answer } from '../../api/api.ts';
import { chosen } from '../../api/choices.ts';
import { useApi } from '../../api/use-api.ts';
import { Confirm } from '../../components/dialog.tsx';
import { TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { Section } from '../../components/page.tsx';
import { useToast } from '../../components/toast.tsx';
import { goTo } from '../../router/use-place.tsx';
import { placesTexts as t } from '../../texts/places.ts';
import { shell } from '../../texts/shell.ts';
import { VisibilityField, visibilities } from '../places/visibility-field.tsx';

interface GroupSettingsProps {
  readonly group: Answer<'GET /groups/{id}'>;
  readonly onSaved: () => void;
}

export function GroupSettings({ group, onSaved }: GroupSettingsProps) {
  const api = useApi();
  const tell = useToast();
  const [isDeleting, setDeleting] = useState(false);
  const { id, full_path: path } = group;
  return (
    <>
      <Section title={t.settings}>
        <div class="card form-card">
          <Form
            action={shell.save}
            onSubmit={async (values) => {
              await api.call('PUT /groups/{id}', {
                path: { id },
                body: {
                  name: values.text('name'),
                  description: values.text('description'),
                  visibility: chosen(values.text('visibility'), visibilities, group.visibility),
                  container_registry_quota_bytes: values.number('container_registry_quota_bytes') ?? null,
                },
              });
              tell(t.settingsSaved);
              onSaved();
            }}
          >
            <TextField name="name" label={t.name} value={group.name} isRequired />
            <TextField name="description" label={t.description} value={group.description} />
            <VisibilityField value={group.visibility} />
            <TextField
              name="container_registry_quota_bytes"
              label={t.quotaField}
              hint={t.quotaHint}
              type="number"
              min={0}
              value={group.container_registry_quota_bytes}
            />
          </Form>
        </div>
      </Section>
      <Section title={t.dangerTitle} intro={t.deleteGroupText}>
        <div>
          <button type="button" class="danger" onClick={() => setDeleting(true)}>
            {t.deleteGroup}
          </button>
        </div>
      </Section>
      {isDeleting && (
        <Confirm
          title={t.deleteGroup}
          action={t.deleteGroup}
          name={path}
          onClose={() => setDeleting(false)}
          onConfirm={async () => {
            await api.call('DELETE /groups/{id}', { path: { id } });
            tell(t.deleted(path));
            goTo('#/groups');
          }}
        >
          <p>{t.deleteGroupText}</p>
        </Confirm>
      )}
    </>
  );
}
