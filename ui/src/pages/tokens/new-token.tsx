/** Makes a token, and shows it this once. */
import { useState } from 'preact/hooks';
import { useConnection } from '../../api/use-api.ts';
import { Dialog } from '../../components/dialog.tsx';
import { CheckBoxes, TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { SecretOnce } from '../../components/secret-once.tsx';
import { shell } from '../../texts/shell.ts';
import { tokensTexts as t } from '../../texts/tokens.ts';

const scopes = ['api', 'read_api', 'read_virtual_registry', 'read_registry', 'write_registry'] as const;

export function NewToken({ onMade, onClose }: { readonly onMade: () => void; readonly onClose: () => void }) {
  const { api, session } = useConnection();
  const [token, setToken] = useState<string>();
  if (token !== undefined)
    return <SecretOnce secret={token} username={session.user.username} onClose={onClose} />;
  return (
    <Dialog title={t.create} onClose={onClose}>
      <Form
        action={shell.create}
        onCancel={onClose}
        onSubmit={async (values) => {
          const made = await api.call('POST /user/personal_access_tokens', {
            body: {
              name: values.text('name'),
              description: values.optional('description'),
              scopes: values.among('scopes', scopes),
              expires_at: values.optional('expires_at'),
            },
          });
          setToken(made.token);
          onMade();
        }}
      >
        <TextField name="name" label={t.name} hint={t.nameHint} isRequired hasFocus />
        <TextField name="description" label={t.description} />
        <TextField name="expires_at" label={t.expires} hint={t.expiresHint} type="date" />
        <CheckBoxes
          name="scopes"
          legend={t.scopes}
          choices={scopes}
          hints={t.scopeHints}
          checked={['read_virtual_registry']}
        />
      </Form>
    </Dialog>
  );
}
