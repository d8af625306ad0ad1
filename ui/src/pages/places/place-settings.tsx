/** What can be set of a group or project, and its end. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { chosen } from '../../api/choices.ts';
import { Confirm } from '../../components/dialog.tsx';
import { TextField } from '../../components/fields.tsx';
import { Form, type FormValues } from '../../components/form.tsx';
import { Section } from '../../components/page.tsx';
import { useToast } from '../../components/toast.tsx';
import { goTo } from '../../router/use-place.tsx';
import { placesTexts as t } from '../../texts/places.ts';
import { shell } from '../../texts/shell.ts';
import { VisibilityField, type VisibilityName, visibilities } from './visibility-field.tsx';

interface Settings {
  readonly name: string;
  readonly description: string;
  readonly visibility: VisibilityName;
  /** Undefined: it stays as it is. */
  readonly container_registry_quota_bytes?: number | null | undefined;
}

interface PlaceSettingsProps {
  readonly of: Omit<Settings, 'description'> & { readonly description: string | null };
  readonly path: string;
  /** What only one of the two kinds has. */
  readonly fields?: ComponentChildren;
  readonly onSave: (settings: Settings, values: FormValues) => Promise<void>;
  readonly mayDelete: boolean;
  readonly deletion: { readonly action: string; readonly text: string; readonly leadsTo: string };
  readonly onDelete: () => Promise<unknown>;
}

export function PlaceSettings({
  of,
  path,
  fields,
  onSave,
  mayDelete,
  deletion,
  onDelete,
}: PlaceSettingsProps) {
  const tell = useToast();
  const [isDeleting, setDeleting] = useState(false);
  const { container_registry_quota_bytes: quota = null } = of;
  return (
    <>
      <Section title={t.settings}>
        <div class="card form-card">
          <Form
            action={shell.save}
            onSubmit={async (values) => {
              const given = values.number('container_registry_quota_bytes') ?? null;
              const settings = {
                name: values.text('name'),
                description: values.text('description'),
                visibility: chosen(values.text('visibility'), visibilities, of.visibility),
                // Whoever may change the rest need not be one who gives quotas.
                ...(given !== quota && { container_registry_quota_bytes: given }),
              };
              await onSave(settings, values);
              tell(t.settingsSaved);
            }}
          >
            <TextField name="name" label={t.name} value={of.name} isRequired />
            <TextField name="description" label={t.description} value={of.description} />
            <VisibilityField value={of.visibility} />
            {fields}
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
        <Section title={t.dangerTitle} intro={deletion.text}>
          <div>
            <button type="button" class="danger" onClick={() => setDeleting(true)}>
              {deletion.action}
            </button>
          </div>
        </Section>
      )}
      {isDeleting && (
        <Confirm
          title={deletion.action}
          action={deletion.action}
          name={path}
          onClose={() => setDeleting(false)}
          onConfirm={async () => {
            await onDelete();
            tell(t.deleted(path));
            goTo(deletion.leadsTo);
          }}
        >
          <p>{deletion.text}</p>
        </Confirm>
      )}
    </>
  );
}
