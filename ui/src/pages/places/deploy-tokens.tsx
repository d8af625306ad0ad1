/** Deploy tokens of a group or project, for machines. */
import type { ItemOf } from '../../api/api.ts';
import type { PlaceOf } from '../../api/roles.ts';
import { useApi, usePage } from '../../api/use-api.ts';
import { TextField } from '../../components/fields.tsx';
import type { Column } from '../../components/table.tsx';
import { Instant } from '../../components/values.tsx';
import { placeTokensTexts as t } from '../../texts/places.ts';
import { TokenList } from './token-list.tsx';

const scopes = ['read_registry', 'write_registry', 'read_virtual_registry'] as const;

const columns: readonly Column<ItemOf<'GET /projects/{id}/deploy_tokens'>>[] = [
  { key: 'name', header: t.name, cell: ({ name }) => name },
  { key: 'username', header: t.username, cell: ({ username }) => <span class="code">{username}</span> },
  { key: 'scopes', header: t.scopes, cell: (token) => <span class="code">{token.scopes.join(' ')}</span> },
  { key: 'expires', header: t.expires, cell: (token) => <Instant at={token.expires_at} /> },
];

export function DeployTokens({ place: { kind, id } }: { readonly place: PlaceOf }) {
  const api = useApi();
  const query = { active: true, per_page: 100 };
  const tokens = usePage(`GET /${kind}/{id}/deploy_tokens`, { path: { id }, query });
  return (
    <TokenList
      title={t.deploy}
      intro={t.deployIntro}
      of={tokens}
      columns={columns}
      add={t.newDeploy}
      emptyTitle={t.emptyDeploy}
      emptyHint={t.emptyDeployHint}
      scopes={scopes}
      fields={<TextField name="username" label={t.username} hint={t.usernameHint} />}
      create={(values) =>
        api.call(`POST /${kind}/{id}/deploy_tokens`, {
          path: { id },
          body: {
            name: values.text('name'),
            username: values.optional('username'),
            scopes: values.among('scopes', scopes),
            expires_at: values.optional('expires_at'),
          },
        })
      }
      revoke={({ id: token_id }) =>
        api.call(`DELETE /${kind}/{id}/deploy_tokens/{token_id}`, { path: { id, token_id } })
      }
    />
  );
}
