/** The webhooks of a project. */
import { useState } from 'preact/hooks';
import type { ItemOf } from '../../api/api.ts';
import { useApi, usePage } from '../../api/use-api.ts';
import { Badge } from '../../components/badge.tsx';
import { Confirm } from '../../components/dialog.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Section } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { useToast } from '../../components/toast.tsx';
import { hrefTo } from '../../router/place.ts';
import { hooksTexts as t } from '../../texts/projects.ts';
import { shell } from '../../texts/shell.ts';
import { HookDialog } from './hook-dialog.tsx';

type Hook = ItemOf<'GET /projects/{id}/hooks'>;

export function Hooks({ id }: { readonly id: string }) {
  const api = useApi();
  const tell = useToast();
  const [editing, setEditing] = useState<Hook | 'new'>();
  const [removing, setRemoving] = useState<Hook>();
  const hooks = usePage('GET /projects/{id}/hooks', { path: { id }, query: { per_page: 100 } });
  const columns: readonly Column<Hook>[] = [
    {
      key: 'url',
      header: t.url,
      cell: ({ id: hook, url, name, description }) => (
        <>
          <a href={hrefTo(['projects', id, 'hooks', hook])}>{name || url}</a>
          {name && <p class="muted break">{url}</p>}
          {description && <p class="muted">{description}</p>}
        </>
      ),
    },
    {
      key: 'state',
      header: t.state,
      cell: ({ disabled, signed }) => (
        <span class="actions">
          <Badge tone={disabled ? 'warn' : 'good'}>{disabled ? t.isDisabled : t.executable}</Badge>
          {signed && <Badge>{t.signed}</Badge>}
        </span>
      ),
    },
    {
      key: 'ignored',
      header: t.ignored,
      cell: ({ ignored_actions: ignored }) => ignored.map((each) => t.events[each]).join(', ') || shell.none,
    },
    {
      key: 'actions',
      header: shell.edit,
      cell: (hook) => (
        <span class="actions">
          <button
            type="button"
            class="small"
            aria-label={`${shell.edit} ${hook.name ?? hook.url}`}
            onClick={() => setEditing(hook)}
          >
            {shell.edit}
          </button>
          <button
            type="button"
            class="small"
            aria-label={`${t.remove} ${hook.name ?? hook.url}`}
            onClick={() => setRemoving(hook)}
          >
            {t.remove}
          </button>
        </span>
      ),
    },
  ];
  return (
    <Section
      title={t.title}
      intro={t.intro}
      actions={
        <button type="button" class="primary" onClick={() => setEditing('new')}>
          {t.add}
        </button>
      }
    >
      <LoadState of={hooks}>
        {({ items }) => (
          <Table
            label={t.title}
            columns={columns}
            rows={items}
            keyOf={(hook) => hook.id}
            empty={
              <EmptyState title={t.empty}>
                <p>{t.emptyHint}</p>
              </EmptyState>
            }
          />
        )}
      </LoadState>
      {editing && (
        <HookDialog
          id={id}
          hook={editing === 'new' ? undefined : editing}
          onClose={() => setEditing(undefined)}
          onSaved={() => {
            setEditing(undefined);
            hooks.reload();
          }}
        />
      )}
      {removing && (
        <Confirm
          title={t.removeTitle}
          action={t.remove}
          onClose={() => setRemoving(undefined)}
          onConfirm={async () => {
            const path = { id, hook_id: removing.id };
            await api.call('DELETE /projects/{id}/hooks/{hook_id}', { path });
            tell(t.removed);
            hooks.reload();
          }}
        >
          <p class="break">{t.removeText(removing.url)}</p>
        </Confirm>
      )}
    </Section>
  );
}
