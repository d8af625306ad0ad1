/** Makes a group, or a project in one. */

import { chosen } from '../../api/choices.ts';
import type { PlaceKind } from '../../api/roles.ts';
import { useApi } from '../../api/use-api.ts';
import { Dialog } from '../../components/dialog.tsx';
import { TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { hrefTo } from '../../router/place.ts';
import { goTo } from '../../router/use-place.tsx';
import { placesTexts as t } from '../../texts/places.ts';
import { shell } from '../../texts/shell.ts';
import { VisibilityField, visibilities } from './visibility-field.tsx';

interface NewPlaceProps {
  readonly kind: PlaceKind;
  /** The group that it will be in; projects need one. */
  readonly parentId?: number;
  readonly onClose: () => void;
}

export function NewPlace({ kind, parentId, onClose }: NewPlaceProps) {
  const api = useApi();
  const title = kind === 'projects' ? t.newProject : parentId === undefined ? t.newGroup : t.newSubgroup;
  return (
    <Dialog title={title} onClose={onClose}>
      <Form
        action={shell.create}
        onCancel={onClose}
        onSubmit={async (values) => {
          const name = values.text('name');
          const path = values.text('path');
          const description = values.optional('description');
          const visibility = chosen(values.text('visibility'), visibilities, 'private');
          if (kind === 'groups') {
            const body = { name: name || path, path, description, visibility, parent_id: parentId };
            const made = await api.call('POST /groups', { body });
            goTo(hrefTo(['groups', made.full_path]));
          } else {
            const body = { name: name || path, path, description, visibility, namespace_id: parentId ?? 0 };
            const made = await api.call('POST /projects', { body });
            goTo(hrefTo(['projects', made.path_with_namespace]));
          }
          onClose();
        }}
      >
        <TextField name="path" label={t.path} hint={t.pathHint} isRequired hasFocus />
        <TextField name="name" label={t.name} />
        <TextField name="description" label={t.description} />
        <VisibilityField value="private" />
      </Form>
    </Dialog>
  );
}
