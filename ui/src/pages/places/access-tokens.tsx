/** Access tokens of a group or project, each of a bot with a role there. */
import { useState } from 'preact/hooks';
import type { ItemOf } from '../../api/api.ts';
import { chosen } from '../../api/choices.ts';
import { type PlaceOf, roles } from '../../api/roles.ts';
import { useApi, usePage } from '../../api/use-api.ts';
import { Confirm, Dialog } from '../../components/dialog.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { CheckBox, Select, TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Section } from '../../components/page.tsx';
import { SecretOnce } from '../../components/secret-once.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { useToast } from '../../components/toast.tsx';
import { Instant } from '../../components/values.tsx';
import { dayText } from '../../format.ts';
import { membersTexts, placeTokensTexts as t } from '../../texts/places.ts';
import { shell } from '../../texts/shell.ts';

type Token = ItemOf<'GET /projects/{id}/access_tokens'>;

const projectScopes = ['api', 'read_api', 'read_registry', 'write_registry'] as const;
const groupScopes = [...projectScopes, 'read_virtual_registry'] as const;

/** With an access token, any user name will do. */
export function AccessTokens({ place }: { readonly place: PlaceOf }) {
  const { kind, id } = place;
  const api = useApi();
  const tell = useToast();
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<string>();
  const [revoking, setRevoking] = useState<Token>();
  const query = { state: 'active', per_page: 100 } as const;
  const tokens = usePage(`GET /${kind}/{id}/access_tokens`, { path: { id }, query });
  const columns: readonly Column<Token>[] = [
    { key: 'name', header: t.name, cell: ({ name }) => name },
    { key: 'scopes', header: t.scopes, cell: ({ scopes }) => <span class="code">{scopes.join(' ')}</span> },
    {
      key: 'role',
      header: t.role,
      cell: ({ access_level: level }) => membersTexts.roles.get(level ?? 0) ?? shell.none,
    },
    { key: 'used', header: t.lastUsed, cell: (token) => <Instant at={token.last_used_at} /> },
    {
      key: 'expires',
      header: t.expires,
      cell: ({ expires_at: at }) => (at ? dayText(at) : <span class="muted">{shell.never}</span>),
    },
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
      title={t.access}
      intro={t.accessIntro}
      actions={
        <button type="button" onClick={() => setMaking(true)}>
          {t.newAccess}
        </button>
      }
    >
      <LoadState of={tokens}>
        {({ items }) => (
          <Table
            label={t.access}
            columns={columns}
            rows={items}
            keyOf={(token) => token.id}
            empty={
              <EmptyState title={t.emptyAccess}>
                <p>{t.emptyAccessHint}</p>
              </EmptyState>
            }
          />
        )}
      </LoadState>
      {isMaking && (
        <NewAccessToken
          place={place}
          onClose={() => setMaking(false)}
          onMade={(token) => {
            setMaking(false);
            setMade(token);
            tokens.reload();
          }}
        />
      )}
      {made !== undefined && <SecretOnce secret={made} username="bot" onClose={() => setMade(undefined)} />}
      {revoking && (
        <Confirm
          title={t.revokeTitle}
          action={t.revoke}
          onClose={() => setRevoking(undefined)}
          onConfirm={async () => {
            const path = { id, token_id: revoking.id };
            await api.call(`DELETE /${kind}/{id}/access_tokens/{token_id}`, { path });
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

function NewAccessToken({
  place: { kind, id },
  onMade,
  onClose,
}: {
  readonly place: PlaceOf;
  readonly onMade: (token: string) => void;
  readonly onClose: () => void;
}) {
  const api = useApi();
  const offered = kind === 'groups' ? groupScopes : projectScopes;
  return (
    <Dialog title={t.newAccess} onClose={onClose}>
      <Form
        action={shell.create}
        onCancel={onClose}
        onSubmit={async (values) => {
          const given = values.all('scopes');
          const body = {
            name: values.text('name'),
            expires_at: values.optional('expires_at'),
            access_level: chosen(values.text('access_level'), roles, 10),
          };
          const { token } =
            kind === 'groups'
              ? await api.call('POST /groups/{id}/access_tokens', {
                  path: { id },
                  body: { ...body, scopes: groupScopes.filter((each) => given.includes(each)) },
                })
              : await api.call('POST /projects/{id}/access_tokens', {
                  path: { id },
                  body: { ...body, scopes: projectScopes.filter((each) => given.includes(each)) },
                });
          onMade(token);
        }}
      >
        <TextField name="name" label={t.name} isRequired hasFocus />
        <Select
          name="access_level"
          label={t.role}
          hint={membersTexts.roleHint}
          value="30"
          choices={roles.map((each) => ({ value: String(each), label: membersTexts.roles.get(each) ?? '' }))}
        />
        <TextField name="expires_at" type="date" label={t.expires} hint={t.expiresHint} />
        <fieldset>
          <legend>{t.scopes}</legend>
          {offered.map((scope) => (
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
