/** The members of a group or project. */
import type { ItemOf } from '../../api/api.ts';
import { chosen } from '../../api/choices.ts';
import { maintainer, owner, type PlaceOf, roles, useRole } from '../../api/roles.ts';
import { useAnswer, useApi, usePage } from '../../api/use-api.ts';
import { Badge } from '../../components/badge.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { EditedList } from '../../components/edited-list.tsx';
import { TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { useListState } from '../../components/list-state.ts';
import type { Column } from '../../components/table.tsx';
import { useToast } from '../../components/toast.tsx';
import { Instant } from '../../components/values.tsx';
import { dayText } from '../../format.ts';
import { membersTexts as t } from '../../texts/places.ts';
import { shell } from '../../texts/shell.ts';
import { RoleField } from './role-field.tsx';

type Member = ItemOf<'GET /groups/{id}/members/all'>;

export function Members({ place }: { readonly place: PlaceOf }) {
  const { kind, id } = place;
  const api = useApi();
  const state = useListState('id');
  const role = useRole(place);
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
  ];
  return (
    <EditedList
      title={t.title}
      intro={t.intro}
      of={{ ...members, reload }}
      pages={state}
      columns={columns}
      nameOf={({ username }) => username}
      empty={<p class="muted">{t.empty}</p>}
      isEditable={mayManage}
      add={t.add}
      dialog={(asked) => <NewMember place={place} most={role} {...asked} />}
      removal={{
        action: t.remove,
        title: t.removeTitle,
        text: ({ username }) => t.removeText(username),
        done: ({ username }) => t.removed(username),
        run: ({ id: user_id }) =>
          api.call(`DELETE /${kind}/{id}/members/{user_id}`, { path: { id, user_id } }),
        isFor: isOwn,
      }}
    />
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
  onSaved,
  onClose,
}: {
  readonly place: PlaceOf;
  readonly most: number;
  readonly onSaved: () => void;
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
          onSaved();
        }}
      >
        <TextField name="username" label={t.username} isRequired hasFocus />
        <RoleField most={most} />
        <TextField name="expires_at" type="date" label={t.expires} hint={t.expiresHint} />
      </Form>
    </Dialog>
  );
}
