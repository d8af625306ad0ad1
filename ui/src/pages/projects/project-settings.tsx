/** What can be set of a project, and its end. */
import { useState } from 'preact/hooks';
import type { Answer } from '../../api/api.ts';
import { chosen } from '../../api/choices.ts';
import { useApi } from '../../api/use-api.ts';
import { Confirm } from '../../components/dialog.tsx';
import { Select, TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { Section } from '../../components/page.tsx';
import { useToast } from '../../components/toast.tsx';
import { goTo } from '../../router/use-place.tsx';
import { placesTexts as t } from '../../texts/places.ts';
import { shell } from '../../texts/shell.ts';
import { VisibilityField, visibilities } from '../places/visibility-field.tsx';

interface ProjectSettingsProps {
  readonly project: Answer<'GET /projects/{id}'>;
  readonly mayDelete: boolean;
  readonly onSaved: () => void;
}

const accessLevels = ['enabled', 'private', 'disabled'] as const;

export function ProjectSettings({ project, mayDelete, onSaved }: ProjectSettingsProps) {
  const api = useApi();
  const tell = useToast();
  const [isDeleting, setDeleting] = useState(false);
  const { id, path_with_namespace: path, container_registry_access_level: level = 'enabled' } = project;
  const { container_registry_quota_bytes: quota } = project;
  return (
    <>
      <Section title={t.settings}>
        <div class="card form-card">
          <Form
            action={shell.save}
            onSubmit={async (values) => {
              const given = values.number('container_registry_quota_bytes') ?? null;
              await api.call('PUT /projects/{id}', {
                path: { id },
                body: {
                  name: values.text('name'),
                  description: values.text('description'),
                  visibility: chosen(values.text('visibility'), visibilities, project.visibility),
                  container_registry_access_level: chosen(
                    values.text('container_registry_access_level'),
                    accessLevels,
                    level,
                  ),
                  // Whoever may change the rest need not be one who gives quotas.
                  ...(given !== (quota ?? null) && { container_registry_quota_bytes: given }),
                },
              });
              tell(t.settingsSaved);
              onSaved();
            }}
          >
            <TextField name="name" label={t.name} value={project.name} isRequired />
            <TextField name="description" label={t.description} value={project.description} />
            <VisibilityField value={project.visibility} />
            <Select
              name="container_registry_access_level"
              label={t.registryAccess}
              value={level}
              choices={accessLevels.map((each) => ({ value: each, label: t.registryAccessLevels[each] }))}
            />
            <TextField
              name="container_registry_quota_bytes"
              label={t.quotaField}
              hint={t.quotaHint}
              type="number"
              min={0}
              value={quota}
            />
          </Form>
        </div>
      </Section>
      {mayDelete && (
        <Section title={t.dangerTitle} intro={t.deleteProjectText}>
          <div>
            <button type="button" class="danger" onClick={() => setDeleting(true)}>
              {t.deleteProject}
            </button>
          </div>
        </Section>
      )}
      {isDeleting && (
        <Confirm
          title={t.deleteProject}
          action={t.deleteProject}
          name={path}
          onClose={() => setDeleting(false)}
          onConfirm={async () => {
            await api.call('DELETE /projects/{id}', { path: { id } });
            tell(t.deleted(path));
            goTo('#/groups?tab=projects');
          }}
        >
          <p>{t.deleteProjectText}</p>
        </Confirm>
      )}
    </>
  );
}
