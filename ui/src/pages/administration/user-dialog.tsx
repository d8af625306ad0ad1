/** Makes a user, or changes one. */
import type { ItemOf } from '../../api/api.ts';
import { useApi } from '../../api/use-api.ts';
import { Dialog } from '../../components/dialog.tsx';
import { CheckBox, TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { useToast } from '../../components/toast.tsx';
import { usersTexts as t } from '../../texts/administration.ts';
import { shell } from '../../texts/shell.ts';

interface UserDialogProps {
  /** Undefined: a new one. */
  readonly user: ItemOf<'GET /users'> | undefined;
  readonly onSaved: () => void;
  readonly onClose: () => void;
}

export function UserDialog({ user, onSaved, onClose }: UserDialogProps) {
  const api = useApi();
  const tell = useToast();
  return (
    <Dialog title={user ? t.edit : t.add} onClose={onClose}>
      <Form
        action={user ? shell.save : shell.create}
        onCancel={onClose}
        onSubmit={async (values) => {
          const username = values.text('username');
          const password = values.secret('password');
          const body = {
            username,
            name: values.text('name') || username,
            admin: values.checked('admin'),
            ...(password !== '' && { password }),
          };
          const email = values.optional('email');
          await (user
            ? api.call('PUT /users/{id}', { path: { id: user.id }, body: { ...body, email: email ?? null } })
            : api.call('POST /users', { body: { ...body, email } }));
          tell(t.saved(username));
          onSaved();
        }}
      >
        <TextField name="username" label={t.username} value={user?.username} isRequired hasFocus />
        <TextField name="name" label={t.name} value={user?.name} />
        <TextField name="email" label={t.email} type="email" value={user?.email} />
        <TextField
          name="password"
          label={t.password}
          hint={user ? t.passwordKept : t.passwordHint}
          type="password"
          autocomplete="new-password"
        />
        <CheckBox name="admin" label={t.admin} isChecked={user?.is_admin ?? false} />
      </Form>
    </Dialog>
  );
}
