/** Virtual registries in a list. */
import type { ComponentChildren } from 'preact';
import { Badge } from '../../components/badge.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Instant } from '../../components/values.tsx';
import { hrefTo } from '../../router/place.ts';
import { registryTexts as t } from '../../texts/registries.ts';
import { shell } from '../../texts/shell.ts';
import type { ShownRegistry } from './list-registries.ts';

const columns: readonly Column<ShownRegistry>[] = [
  {
    key: 'name',
    header: t.name,
    cell: ({ id, name, description }) => (
      <div>
        <a href={hrefTo(['registries', id])}>{name}</a>
        {description && <p class="muted">{description}</p>}
      </div>
    ),
  },
  { key: 'group', header: t.group, cell: ({ group }) => group.full_path },
  {
    key: 'pull',
    header: t.pull,
    cell: ({ id }) => <code>{`${location.host}/virtual_registries/container/${id}/…`}</code>,
  },
  {
    key: 'anonymous',
    header: t.anonymousColumn,
    cell: ({ anonymous_pull }) => (anonymous_pull ? <Badge tone="warn">{shell.yes}</Badge> : shell.no),
  },
  { key: 'made', header: t.made, cell: ({ created_at }) => <Instant at={created_at} /> },
];

export function RegistryTable({
  registries,
  empty,
}: {
  readonly registries: readonly ShownRegistry[];
  readonly empty: ComponentChildren;
}) {
  return <Table label={t.title} columns={columns} rows={registries} keyOf={({ id }) => id} empty={empty} />;
}
