/** Makes a webhook, or changes one. */
import type { ItemOf } from '../../api/api.ts';
import { useApi } from '../../api/use-api.ts';
import { Dialog } from '../../components/dialog.tsx';
import { CheckBox, CheckBoxes, TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { useToast } from '../../components/toast.tsx';
import { hooksTexts as t } from '../../texts/projects.ts';
import { shell } from '../../texts/shell.ts';

const actions = ['push', 'pull', 'delete', 'mount', 'rename'] as const;

interface HookDialogProps {
  /** Of the project. */
  readonly id: string;
  /** Undefined: a new one. */
  readonly hook: ItemOf<'GET /projects/{id}/hooks'> | undefined;
  readonly onSaved: () => void;
  readonly onClose: () => void;
}

export function HookDialog({ id, hook, onSaved, onClose }: HookDialogProps) {
  const api = useApi();
  const tell = useToast();
  return (
    <Dialog title={hook ? t.edit : t.add} onClose={onClose}>
      <Form
        action={hook ? shell.save : shell.create}
        onCancel={onClose}
        onSubmit={async (values) => {
          const token = values.secret('token');
          const body = {
            url: values.text('url'),
            name: values.text('name'),
            description: values.text('description'),
            ignored_actions: values.among('ignored_actions', actions),
            disabled: values.checked('disabled'),
            ...(token !== '' && { token }),
          };
          await (hook
            ? api.call('PUT /projects/{id}/hooks/{hook_id}', { path: { id, hook_id: hook.id }, body })
            : api.call('POST /projects/{id}/hooks', { path: { id }, body }));
          tell(t.saved);
          onSaved();
        }}
      >
        <TextField name="url" label={t.url} type="url" value={hook?.url} isRequired hasFocus />
        <TextField name="name" label={t.name} value={hook?.name} />
        <TextField name="description" label={t.description} value={hook?.description} />
        <TextField
          name="token"
          label={t.token}
          hint={hook?.signed ? `${t.tokenHint} ${t.tokenKept}` : t.tokenHint}
          type="password"
          autocomplete="new-password"
        />
        <CheckBoxes
          name="ignored_actions"
          legend={t.ignored}
          choices={actions}
          labels={t.events}
          checked={hook?.ignored_actions ?? []}
        />
        <CheckBox name="disabled" label={t.disabled} isChecked={hook?.disabled ?? false} />
      </Form>
    </Dialog>
  );
}
