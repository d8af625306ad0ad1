/** The members of a group or project. */
import { useState } from 'preact/hooks';
import type { ItemOf } from '../../api/api.ts';
import { chosen } from '../../api/choices.ts';
import { maintainer, owner, type PlaceOf, roles, useRole } from '../../api/roles.ts';
import { useAnswer, useApi, useConnection, usePage } from '../../api/use-api.ts';
import { Badge } from '../../components/badge.tsx';
import { Confirm, Dialog } from '../../components/dialog.tsx';
import { Select, TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { useListState } from '../../components/list-state.ts';
import { Section } from '../../components/page.tsx';
import { PagedTable } from '../../components/paged-table.tsx';
import type { Column } from '../../components/table.tsx';
import { useToast } from '../../components/toast.tsx';
import { Instant } from '../../components/values.tsx';
import { dayText } from '../../format.ts';
import { membersTexts as t } from '../../texts/places.ts';
import { shell } from '../../texts/shell.ts';

type Member = ItemOf<'GET /groups/{id}/members/all'>;

export function Members({ place }: { readonly place: PlaceOf }) {
  const { kind, id } = place;
  const { api } = useConnection();
  const tell = useToast();
  const state = useListState('id');
  const role = useRole(place);
  const [isAdding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Member>();
  const query = { page: state.page, per_page: state.perPage };
  const members = usePage(`GET /${kind}/{id}/members/all`, { path: { id }, query });
  const own = useAnswer(`GET /${kind}/{id}/members`, { path: { id }, query: { per_page: 100 } });
  const isOwn = (member: Member) => own.data?.some((each) => each.id === member.id) ?? false;
  const mayManage = role >= (kind === 'groups' ? owner : maintainer);
  const reload = () => {
    members.reload();
    own.reload();
  };
  const columns: readonly Column<Member>[] = [
    {
      key: 'user',
      header: t.user,
      cell: ({ username, name, state: userState }) => (
        <div>
          {username}
          {userState === 'blocked' && <Badge tone="warn">{userState}</Badge>}
          {name !== username && <p class="muted">{name}</p>}
        </div>
      ),
    },
    {
      key: 'role',
      header: t.role,
      cell: (member) =>
        mayManage && isOwn(member) && member.access_level <= role ? (
          <RoleSelect place={place} member={member} most={role} onChanged={reload} />
        ) : (
          <>
            {t.roles.get(member.access_level) ?? member.access_level}
            {!isOwn(member) && <p class="muted">{t.inherited}</p>}
          </>
        ),
    },
    { key: 'since', header: t.since, cell: (member) => <Instant at={member.created_at} /> },
    {
      key: 'expires',
      header: t.expires,
      cell: ({ expires_at: at }) => (at ? dayText(at) : <span class="muted">{shell.never}</span>),
    },
    ...(mayManage
      ? [
          {
            key: 'actions',
            header: t.remove,
            cell: (member: Member) =>
              isOwn(member) && (
                <button
                  type="button"
                  class="small"
                  aria-label={`${t.remove} ${member.username}`}
                  onClick={() => setRemoving(member)}
                >
                  {t.remove}
                </button>
              ),
          },
        ]
      : []),
  ];
  return (
    <Section
      title={t.title}
      intro={t.intro}
      actions={
        mayManage && (
          <button type="button" class="primary" onClick={() => setAdding(true)}>
            {t.add}
          </button>
        )
      }
    >
      <PagedTable
        of={members}
        pages={state}
        label={t.title}
        columns={columns}
        keyOf={(member) => member.id}
        empty={<p class="muted">{t.empty}</p>}
      />
      {isAdding && <NewMember place={place} most={role} onAdded={reload} onClose={() => setAdding(false)} />}
      {removing && (
        <Confirm
          title={t.removeTitle}
          action={t.remove}
          onClose={() => setRemoving(undefined)}
          onConfirm={async () => {
            await api.call(`DELETE /${kind}/{id}/members/{user_id}`, { path: { id, user_id: removing.id } });
            tell(t.removed(removing.username));
            reload();
          }}
        >
          <p>{t.removeText(removing.username)}</p>
        </Confirm>
      )}
    </Section>
  );
}

function RoleSelect({
  place: { kind, id },
  member,
  most,
  onChanged,
}: {
  readonly place: PlaceOf;
  readonly member: Member;
  readonly most: number;
  readonly onChanged: () => void;
}) {
  const api = useApi();
  const tell = useToast();
  const change = async (text: string) => {
    const access_level = chosen(text, roles, 10);
    try {
      await api.call(`PUT /${kind}/{id}/members/{user_id}`, {
        path: { id, user_id: member.id },
        body: { access_level, expires_at: member.expires_at },
      });
      tell(t.changed(member.username));
    } catch (error) {
      tell(error instanceof Error ? error.message : String(error));
    }
    onChanged();
  };
  return (
    <select
      aria-label={t.roleOf(member.username)}
      value={member.access_level}
      onChange={(event) => change(event.currentTarget.value)}
    >
      {roles
        .filter((each) => each <= most)
        .map((each) => (
          <option key={each} value={each}>
            {t.roles.get(each)}
          </option>
        ))}
    </select>
  );
}

function NewMember({
  place: { kind, id },
  most,
  onAdded,
  onClose,
}: {
  readonly place: PlaceOf;
  readonly most: number;
  readonly onAdded: () => void;
  readonly onClose: () => void;
}) {
  const api = useApi();
  const tell = useToast();
  return (
    <Dialog title={t.add} onClose={onClose}>
      <Form
        action={t.add}
        onCancel={onClose}
        onSubmit={async (values) => {
          const username = values.text('username');
          await api.call(`POST /${kind}/{id}/members`, {
            path: { id },
            body: {
              username,
              access_level: chosen(values.text('access_level'), roles, 10),
              expires_at: values.optional('expires_at'),
            },
          });
          tell(t.added(username));
          onAdded();
          onClose();
        }}
      >
        <TextField name="username" label={t.username} isRequired hasFocus />
        <Select
          name="access_level"
          label={t.role}
          hint={t.roleHint}
          value="30"
          choices={roles
            .filter((each) => each <= most)
            .map((each) => ({ value: String(each), label: t.roles.get(each) ?? String(each) }))}
        />
        <TextField name="expires_at" type="date" label={t.expires} hint={t.expiresHint} />
      </Form>
    </Dialog>
  );
}
