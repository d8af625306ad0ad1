import { useState } from 'preact/hooks';
import type { ItemOf } from '../../api/api.ts';
import { useConnection, usePage } from '../../api/use-api.ts';
import { Badge } from '../../components/badge.tsx';
import { Confirm } from '../../components/dialog.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { useListState } from '../../components/list-state.ts';
import { Page } from '../../components/page.tsx';
import { PagedTable } from '../../components/paged-table.tsx';
import { RowAction } from '../../components/row-action.tsx';
import { SearchField } from '../../components/search-field.tsx';
import type { Column } from '../../components/table.tsx';
import { useToast } from '../../components/toast.tsx';
import { Instant } from '../../components/values.tsx';
import { dayText } from '../../format.ts';
import { useQuery } from '../../router/use-place.tsx';
import { shell } from '../../texts/shell.ts';
import { tokensTexts as t } from '../../texts/tokens.ts';
import { NewToken } from './new-token.tsx';

type Token = ItemOf<'GET /personal_access_tokens'>;

export function TokensPage() {
  const { api, session } = useConnection();
  const state = useListState('-created_at');
  const [query, change] = useQuery();
  const tell = useToast();
  const [isMaking, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Token>();
  const areInactive = query.get('state') === 'inactive';
  const tokens = usePage('GET /personal_access_tokens', {
    query: {
      user_id: session.user.id,
      state: areInactive ? 'inactive' : 'active',
      search: state.search || undefined,
      page: state.page,
      per_page: state.perPage,
    },
  });
  const columns: readonly Column<Token>[] = [
    {
      key: 'name',
      header: t.name,
      cell: ({ name, description }) => (
        <div>
          {name}
          {description && <p class="muted">{description}</p>}
        </div>
      ),
    },
    { key: 'scopes', header: t.scopes, cell: ({ scopes }) => <span class="code">{scopes.join(' ')}</span> },
    { key: 'created', header: t.created, cell: ({ created_at }) => <Instant at={created_at} /> },
    { key: 'used', header: t.lastUsed, cell: ({ last_used_at }) => <Instant at={last_used_at} /> },
    {
      key: 'expires',
      header: t.expires,
      cell: ({ expires_at }) => (expires_at ? dayText(expires_at) : shell.never),
    },
    {
      key: 'actions',
      header: t.state,
      cell: (token) =>
        token.active ? (
          <RowAction name={t.revoke} of={token.name} onClick={() => setRevoking(token)} />
        ) : (
          <Badge>{token.revoked ? t.revoked : t.expired}</Badge>
        ),
    },
  ];
  return (
    <Page
      title={t.title}
      intro={t.intro}
      actions={
        <button type="button" class="primary" onClick={() => setMaking(true)}>
          {t.create}
        </button>
      }
    >
      <div class="toolbar">
        <SearchField label={t.search} value={state.search} onSearch={state.searchFor} />
        <button
          type="button"
          class="link"
          onClick={() => change({ state: areInactive ? undefined : 'inactive', page: undefined })}
        >
          {areInactive ? t.showActive : t.showInactive}
        </button>
      </div>
      <PagedTable
        of={tokens}
        pages={state}
        label={t.title}
        columns={columns}
        keyOf={({ id }) => id}
        empty={
          <EmptyState title={t.empty}>
            <p>{t.emptyHint}</p>
          </EmptyState>
        }
      />
      {isMaking && <NewToken onMade={tokens.reload} onClose={() => setMaking(false)} />}
      {revoking && (
        <Confirm
          title={t.revokeTitle}
          action={t.revoke}
          onClose={() => setRevoking(undefined)}
          onConfirm={async () => {
            await api.call('DELETE /personal_access_tokens/{id}', { path: { id: revoking.id } });
            tell(t.revokedToast(revoking.name));
            tokens.reload();
          }}
        >
          <p>{t.revokeText(revoking.name)}</p>
        </Confirm>
      )}
    </Page>
  );
}
