/** Everybody who may come in, and bots. */
import { useState } from 'preact/hooks';
import type { ItemOf } from '../../api/api.ts';
import { chosen } from '../../api/choices.ts';
import { apiErrorOf, useApi, usePage } from '../../api/use-api.ts';
import { Badge } from '../../components/badge.tsx';
import { CheckedSelect } from '../../components/checked-select.tsx';
import { Confirm } from '../../components/dialog.tsx';
import { useListState } from '../../components/list-state.ts';
import { Section } from '../../components/page.tsx';
import { PagedTable } from '../../components/paged-table.tsx';
import { RowAction } from '../../components/row-action.tsx';
import { SearchField } from '../../components/search-field.tsx';
import type { Column } from '../../components/table.tsx';
import { useToast } from '../../components/toast.tsx';
import { Instant } from '../../components/values.tsx';
import { useQuery } from '../../router/use-place.tsx';
import { adminTexts, usersTexts as t } from '../../texts/administration.ts';
import { shell } from '../../texts/shell.ts';
import { UserDialog } from './user-dialog.tsx';

type User = ItemOf<'GET /users'>;

const kinds = ['humans', 'all', 'admins', 'blocked'] as const;
const labels = { humans: t.humans, all: t.all, admins: t.admins, blocked: t.blockedOnly };

export function Users() {
  const api = useApi();
  const tell = useToast();
  const state = useListState('id');
  const [query, change] = useQuery();
  const [editing, setEditing] = useState<User | 'new'>();
  const [removing, setRemoving] = useState<User>();
  const kind = chosen(query.get('kind'), kinds, 'humans');
  const users = usePage('GET /users', {
    query: {
      search: state.search,
      humans: kind === 'humans' || undefined,
      admins: kind === 'admins' || undefined,
      blocked: kind === 'blocked' || undefined,
      page: state.page,
      per_page: state.perPage,
    },
  });
  const block = async ({ id, username, state: now }: User) => {
    try {
      const isBlocked = now === 'blocked';
      await api.call(isBlocked ? 'POST /users/{id}/unblock' : 'POST /users/{id}/block', { path: { id } });
      tell(isBlocked ? t.unblockedToast(username) : t.blockedToast(username));
    } catch (error) {
      tell(apiErrorOf(error).message);
    }
    users.reload();
  };
  const columns: readonly Column<User>[] = [
    {
      key: 'user',
      header: t.user,
      cell: ({ username, name, email }) => {
        const others = [name !== username && name, email].filter(Boolean);
        return (
          <>
            {username}
            {others.length > 0 && <p class="muted break">{others.join(' · ')}</p>}
          </>
        );
      },
    },
    {
      key: 'state',
      header: t.state,
      cell: (user) => (
        <span class="actions">
          {user.is_admin && <Badge tone="accent">{t.admin}</Badge>}
          {user.bot && <Badge>{t.bot}</Badge>}
          {user.state === 'blocked' && <Badge tone="bad">{t.blocked}</Badge>}
        </span>
      ),
    },
    { key: 'since', header: t.since, cell: (user) => <Instant at={user.created_at} /> },
    {
      key: 'actions',
      header: shell.edit,
      cell: (user) => (
        <span class="actions">
          <RowAction name={shell.edit} of={user.username} onClick={() => setEditing(user)} />
          <RowAction
            name={user.state === 'blocked' ? t.unblock : t.block}
            of={user.username}
            onClick={() => void block(user)}
          />
          <RowAction name={t.remove} of={user.username} onClick={() => setRemoving(user)} />
        </span>
      ),
    },
  ];
  return (
    <Section
      title={adminTexts.users}
      actions={
        <button type="button" class="primary" onClick={() => setEditing('new')}>
          {t.add}
        </button>
      }
    >
      <div class="toolbar">
        <SearchField label={t.search} value={state.search} onSearch={state.searchFor} />
        <CheckedSelect
          label={t.which}
          value={kind}
          choices={kinds.map((each) => [each, labels[each]] as const)}
          onChange={(each) => change({ kind: each === 'humans' ? undefined : each, page: undefined })}
        />
      </div>
      <PagedTable
        of={users}
        pages={state}
        label={adminTexts.users}
        columns={columns}
        keyOf={({ id }) => id}
        empty={<p class="muted">{t.empty}</p>}
      />
      {editing && (
        <UserDialog
          user={editing === 'new' ? undefined : editing}
          onClose={() => setEditing(undefined)}
          onSaved={() => {
            setEditing(undefined);
            users.reload();
          }}
        />
      )}
      {removing && (
        <Confirm
          title={t.remove}
          action={t.remove}
          name={removing.username}
          onClose={() => setRemoving(undefined)}
          onConfirm={async () => {
            await api.call('DELETE /users/{id}', { path: { id: removing.id } });
            tell(t.removedToast(removing.username));
            users.reload();
          }}
        >
          <p>{t.removeText(removing.username)}</p>
        </Confirm>
      )}
    </Section>
  );
}
