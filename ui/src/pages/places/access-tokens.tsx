/** Access tokens of a group or project, each of a bot with a role there. */
import type { ItemOf } from '../../api/api.ts';
import { chosen } from '../../api/choices.ts';
import { owner, type PlaceOf, roles } from '../../api/roles.ts';
import { useApi, usePage } from '../../api/use-api.ts';
import type { Column } from '../../components/table.tsx';
import { Instant } from '../../components/values.tsx';
import { dayText } from '../../format.ts';
import { membersTexts, placeTokensTexts as t } from '../../texts/places.ts';
import { shell } from '../../texts/shell.ts';
import { RoleField } from './role-field.tsx';
import { TokenList } from './token-list.tsx';

const projectScopes = ['api', 'read_api', 'read_registry', 'write_registry'] as const;
const groupScopes = [...projectScopes, 'read_virtual_registry'] as const;

const columns: readonly Column<ItemOf<'GET /projects/{id}/access_tokens'>>[] = [
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
];

export function AccessTokens({ place: { kind, id } }: { readonly place: PlaceOf }) {
  const api = useApi();
  const query = { state: 'active', per_page: 100 } as const;
  const tokens = usePage(`GET /${kind}/{id}/access_tokens`, { path: { id }, query });
  return (
    <TokenList
      title={t.access}
      intro={t.accessIntro}
      of={tokens}
      columns={columns}
      add={t.newAccess}
      emptyTitle={t.emptyAccess}
      emptyHint={t.emptyAccessHint}
      scopes={kind === 'groups' ? groupScopes : projectScopes}
      fields={<RoleField most={owner} />}
      create={async (values) => {
        const body = {
          name: values.text('name'),
          expires_at: values.optional('expires_at'),
          access_level: chosen(values.text('access_level'), roles, 10),
        };
        const { token } =
          kind === 'groups'
            ? await api.call('POST /groups/{id}/access_tokens', {
                path: { id },
                body: { ...body, scopes: values.among('scopes', groupScopes) },
              })
            : await api.call('POST /projects/{id}/access_tokens', {
                path: { id },
                body: { ...body, scopes: values.among('scopes', projectScopes) },
              });
        // With an access token, any user name will do.
        return { token, username: 'bot' };
      }}
      revoke={({ id: token_id }) =>
        api.call(`DELETE /${kind}/{id}/access_tokens/{token_id}`, { path: { id, token_id } })
      }
    />
  );
}
