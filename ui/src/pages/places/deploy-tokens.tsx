/** Deploy tokens of a group or project, for machines. */
import { useState } from 'preact/hooks';
import type { Answer, ItemOf } from '../../api/api.ts';
import type { PlaceOf } from '../../api/roles.ts';
import { useApi, usePage } from '../../api/use-api.ts';
import { Confirm, Dialog } from '../../components/dialog.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { CheckBox, TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Section } from '../../components/page.tsx';
import { SecretOnce } from '../../components/secret-once.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { useToast } from '../../components/toast.tsx';
import { Instant } from '../../components/values.tsx';
import { placeTokensTexts as t } from '../../texts/places.ts';
import { shell } from '../../texts/shell.ts';

type Token = ItemOf<'GET /projects/{id}/deploy_tokens'>;
type Made = Answer<'POST /projects/{id}/deploy_tokens'>;

const scopes = ['read_registry', 'write_registry', 'read_virtual_registry'] as const;

export function DeployTokens({ place }: { readonly place: PlaceOf }) {
  const { kind, id } = place;
  const api = useApi();
  const tell = useToast();
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<Made>();
  const [revoking, setRevoking] = useState<Token>();
  const query = { active: true, per_page: 100 };
  const tokens = usePage(`GET /${kind}/{id}/deploy_tokens`, { path: { id }, query });
  const columns: readonly Column<Token>[] = [
    { key: 'name', header: t.name, cell: ({ name }) => name },
    { key: 'username', header: t.username, cell: ({ username }) => <span class="code">{username}</span> },
    { key: 'scopes', header: t.scopes, cell: (token) => <span class="code">{token.scopes.join(' ')}</span> },
    { key: 'expires', header: t.expires, cell: (token) => <Instant at={token.expires_at} /> },
    {
      key: 'actions',
      header: t.revoke,
      cell: (token) => (
        <button
          type="button"
          class="small"
          aria-label={`${t.revoke} ${token.name}`}
          onClick={() => setRevoking(token)}
        >
          {t.revoke}
        </button>
      ),
    },
  ];
  return (
    <Section
      title={t.deploy}
      intro={t.deployIntro}
      actions={
        <button type="button" onClick={() => setMaking(true)}>
          {t.newDeploy}
        </button>
      }
    >
      <LoadState of={tokens}>
        {({ items }) => (
          <Table
            label={t.deploy}
            columns={columns}
            rows={items}
            keyOf={(token) => token.id}
            empty={
              <EmptyState title={t.emptyDeploy}>
                <p>{t.emptyDeployHint}</p>
              </EmptyState>
            }
          />
        )}
      </LoadState>
      {isMaking && (
        <NewDeployToken
          place={place}
          onClose={() => setMaking(false)}
          onMade={(token) => {
            setMaking(false);
            setMade(token);
            tokens.reload();
          }}
        />
      )}
      {made && <SecretOnce secret={made.token} username={made.username} onClose={() => setMade(undefined)} />}
      {revoking && (
        <Confirm
          title={t.revokeTitle}
          action={t.revoke}
          onClose={() => setRevoking(undefined)}
          onConfirm={async () => {
            const path = { id, token_id: revoking.id };
            await api.call(`DELETE /${kind}/{id}/deploy_tokens/{token_id}`, { path });
            tell(t.revoked(revoking.name));
            tokens.reload();
          }}
        >
          <p>{t.revokeText(revoking.name)}</p>
        </Confirm>
      )}
    </Section>
  );
}

function NewDeployToken({
  place: { kind, id },
  onMade,
  onClose,
}: {
  readonly place: PlaceOf;
  readonly onMade: (token: Made) => void;
  readonly onClose: () => void;
}) {
  const api = useApi();
  return (
    <Dialog title={t.newDeploy} onClose={onClose}>
      <Form
        action={shell.create}
        onCancel={onClose}
        onSubmit={async (values) => {
          const given = values.all('scopes');
          const body = {
            name: values.text('name'),
            username: values.optional('username'),
            scopes: scopes.filter((each) => given.includes(each)),
            expires_at: values.optional('expires_at'),
          };
          onMade(await api.call(`POST /${kind}/{id}/deploy_tokens`, { path: { id }, body }));
        }}
      >
        <TextField name="name" label={t.name} isRequired hasFocus />
        <TextField name="username" label={t.username} hint={t.usernameHint} />
        <TextField name="expires_at" type="date" label={t.expires} hint={t.expiresHint} />
        <fieldset>
          <legend>{t.scopes}</legend>
          {scopes.map((scope) => (
            <CheckBox
              key={scope}
              name="scopes"
              value={scope}
              label={scope}
              isChecked={scope === 'read_registry'}
            />
          ))}
        </fieldset>
      </Form>
    </Dialog>
  );
}
