/** Whose CI jobs are jobs of a project. */
import type { ItemOf } from '../../api/api.ts';
import { ApiError } from '../../api/api-error.ts';
import { chosen } from '../../api/choices.ts';
import { roles } from '../../api/roles.ts';
import { useApi, usePage } from '../../api/use-api.ts';
import { Snippet } from '../../components/copy-button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { EditedList } from '../../components/edited-list.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { TextArea, TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import type { Column } from '../../components/table.tsx';
import { membersTexts } from '../../texts/places.ts';
import { trustsTexts as t } from '../../texts/projects.ts';
import { shell } from '../../texts/shell.ts';
import { RoleField } from '../places/role-field.tsx';

type Trust = ItemOf<'GET /projects/{id}/ci_trusts'>;

const columns: readonly Column<Trust>[] = [
  { key: 'name', header: t.name, cell: ({ name }) => name },
  {
    key: 'issuer',
    header: t.issuer,
    cell: ({ issuer, audience }) => (
      <>
        <span class="break">{issuer}</span>
        <p class="muted break">
          {t.audience}: {audience}
        </p>
      </>
    ),
  },
  {
    key: 'claims',
    header: t.claims,
    cell: ({ claims }) => (
      <ul>
        {Object.entries(claims).map(([name, pattern]) => (
          <li key={name} class="code break">
            {name}: {pattern}
          </li>
        ))}
      </ul>
    ),
  },
  { key: 'role', header: t.role, cell: (trust) => membersTexts.roles.get(trust.access_level) },
];

interface TrustsProps {
  readonly id: string;
  /** Of whoever looks: nobody gives more than they have. */
  readonly role: number;
}

export function Trusts({ id, role }: TrustsProps) {
  const api = useApi();
  const trusts = usePage('GET /projects/{id}/ci_trusts', { path: { id }, query: { per_page: 100 } });
  return (
    <EditedList
      title={t.title}
      intro={t.intro}
      of={trusts}
      columns={columns}
      nameOf={({ name }) => name}
      empty={
        <EmptyState title={t.empty}>
          <p>{t.emptyHint}</p>
          <Snippet text={t.example(location.host)} label={t.title} />
        </EmptyState>
      }
      add={t.add}
      dialog={(asked) => <NewTrust id={id} role={role} {...asked} />}
      removal={{
        action: t.remove,
        title: t.removeTitle,
        text: ({ name }) => t.removeText(name),
        done: ({ name }) => t.removed(name),
        run: ({ id: trust_id }) =>
          api.call('DELETE /projects/{id}/ci_trusts/{trust_id}', { path: { id, trust_id } }),
      }}
    />
  );
}

interface NewTrustProps extends TrustsProps {
  readonly onSaved: () => void;
  readonly onClose: () => void;
}

function NewTrust({ id, role, onSaved, onClose }: NewTrustProps) {
  const api = useApi();
  return (
    <Dialog title={t.add} onClose={onClose}>
      <Form
        action={shell.create}
        onCancel={onClose}
        onSubmit={async (values) => {
          await api.call('POST /projects/{id}/ci_trusts', {
            path: { id },
            body: {
              name: values.text('name'),
              issuer: values.text('issuer'),
              audience: values.text('audience'),
              jwks_url: values.optional('jwks_url'),
              claims: claimsOf(values.lines('claims')),
              access_level: chosen(values.text('access_level'), roles, 30),
            },
          });
          onSaved();
        }}
      >
        <TextField name="name" label={t.name} isRequired hasFocus />
        <TextField name="issuer" label={t.issuer} hint={t.issuerHint} type="url" isRequired />
        <TextField name="audience" label={t.audience} value={location.origin} isRequired />
        <TextArea name="claims" label={t.claims} hint={t.claimsHint} isRequired />
        <TextField name="jwks_url" label={t.jwksUrl} hint={t.jwksUrlHint} type="url" />
        <RoleField most={role} />
      </Form>
    </Dialog>
  );
}

/** @throws ApiError, as the API would say it */
function claimsOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(':');
      const [name, pattern] = [line.slice(0, at).trim(), line.slice(at + 1).trim()];
      if (at < 1 || pattern === '') throw new ApiError(400, t.badClaims, { claims: t.badClaims });
      return [name, pattern];
    }),
  );
}
