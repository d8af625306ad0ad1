/** The webhooks of a project. */
import type { ItemOf } from '../../api/api.ts';
import { useApi, usePage } from '../../api/use-api.ts';
import { Badge } from '../../components/badge.tsx';
import { EditedList } from '../../components/edited-list.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import type { Column } from '../../components/table.tsx';
import { hrefTo } from '../../router/place.ts';
import { hooksTexts as t } from '../../texts/projects.ts';
import { shell } from '../../texts/shell.ts';
import { HookDialog } from './hook-dialog.tsx';

type Hook = ItemOf<'GET /projects/{id}/hooks'>;

export function Hooks({ id }: { readonly id: string }) {
  const api = useApi();
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
  ];
  return (
    <EditedList
      title={t.title}
      intro={t.intro}
      of={hooks}
      columns={columns}
      nameOf={({ name, url }) => name || url}
      empty={
        <EmptyState title={t.empty}>
          <p>{t.emptyHint}</p>
        </EmptyState>
      }
      add={t.add}
      canChange
      dialog={({ row, ...asked }) => <HookDialog id={id} hook={row} {...asked} />}
      removal={{
        action: t.remove,
        title: t.removeTitle,
        text: ({ url }) => t.removeText(url),
        done: () => t.removed,
        run: ({ id: hook_id }) =>
          api.call('DELETE /projects/{id}/hooks/{hook_id}', { path: { id, hook_id } }),
      }}
    />
  );
}
