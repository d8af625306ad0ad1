/** Makes a token, and shows it this once. */
import { useState } from 'preact/hooks';
import { useConnection } from '../../api/use-api.ts';
import { Snippet } from '../../components/copy-button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { CheckBox, TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { Notice } from '../../components/notice.tsx';
import { shell } from '../../texts/shell.ts';
import { tokensTexts as t } from '../../texts/tokens.ts';

const scopes = ['api', 'read_api', 'read_virtual_registry', 'read_registry', 'write_registry'] as const;

export function NewToken({ onMade, onClose }: { readonly onMade: () => void; readonly onClose: () => void }) {
  const { api, session } = useConnection();
  const [token, setToken] = useState<string>();
  if (token !== undefined)
    return (
      <Dialog title={t.madeTitle} onClose={onClose}>
        <Notice kind="warn">{t.madeText}</Notice>
        <Snippet text={token} label={t.title} />
        <p>{t.madeLogin}</p>
        <Snippet
          text={`docker login ${location.host} -u ${session.user.username} -p ${token}`}
          label={t.madeLogin}
        />
        <div class="form-actions">
          <button type="button" class="primary" onClick={onClose}>
            {t.done}
          </button>
        </div>
      </Dialog>
    );
  return (
    <Dialog title={t.create} onClose={onClose}>
      <Form
        action={shell.create}
        onCancel={onClose}
        onSubmit={async (values) => {
          const chosen = values.all('scopes');
          const made = await api.call('POST /user/personal_access_tokens', {
            body: {
              name: values.text('name'),
              description: values.optional('description'),
              scopes: scopes.filter((scope) => chosen.includes(scope)),
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
        <fieldset>
          <legend>{t.scopes}</legend>
          {scopes.map((scope) => (
            <CheckBox
              key={scope}
              name="scopes"
              value={scope}
              label={scope}
              hint={t.scopeHints[scope]}
              isChecked={scope === 'read_virtual_registry'}
            />
          ))}
        </fieldset>
      </Form>
    </Dialog>
  );
}
