/** Makes or changes a virtual registry. */

import type { Schemas } from '../../api/schema.ts';
import { useApi } from '../../api/use-api.ts';
import { Dialog } from '../../components/dialog.tsx';
import { CheckBox, Select, TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { registryTexts as t } from '../../texts/registries.ts';
import { shell } from '../../texts/shell.ts';
import type { Group } from './list-registries.ts';

interface RegistryFormProps {
  /** Undefined: another is made. */
  readonly registry?: Schemas['VirtualRegistry'];
  /** That it can be made in. */
  readonly groups?: readonly Group[];
  readonly onSaved: (registry: Schemas['VirtualRegistry']) => void;
  readonly onClose: () => void;
}

export function RegistryForm({ registry, groups = [], onSaved, onClose }: RegistryFormProps) {
  const api = useApi();
  const choices = groups.map(({ id, full_path }) => ({ value: String(id), label: full_path }));
  return (
    <Dialog title={registry ? t.edit : t.create} onClose={onClose}>
      <Form
        action={registry ? shell.save : shell.create}
        onCancel={onClose}
        onSubmit={async (values) => {
          const body = { name: values.text('name'), anonymous_pull: values.checked('anonymous_pull') };
          const description = values.text('description');
          const saved = registry
            ? await api.call('PATCH /virtual_registries/container/registries/{id}', {
                path: { id: registry.id },
                body: { ...body, ...(description && { description }) },
              })
            : await api.call('POST /groups/{id}/-/virtual_registries/container/registries', {
                path: { id: values.text('group') },
                body: { ...body, description: description || null },
              });
          onClose();
          onSaved(saved);
        }}
      >
        {!registry && <Select name="group" label={t.group} hint={t.groupHint} choices={choices} />}
        <TextField name="name" label={t.name} value={registry?.name} isRequired hasFocus />
        <TextField name="description" label={t.description} value={registry?.description} />
        <CheckBox name="anonymous_pull" label={t.anonymous} isChecked={registry?.anonymous_pull ?? false} />
      </Form>
    </Dialog>
  );
}
