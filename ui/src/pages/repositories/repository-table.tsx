/** Repositories in a list. */
import type { ComponentChildren } from 'preact';
import type { ItemOf } from '../../api/api.ts';
import { Badge } from '../../components/badge.tsx';
import type { ListState } from '../../components/list-state.ts';
import { type Column, Table } from '../../components/table.tsx';
import { Bytes, Instant } from '../../components/values.tsx';
import { numberText } from '../../format.ts';
import { hrefTo } from '../../router/place.ts';
import { repositoriesTexts as t } from '../../texts/repositories.ts';

type Repository = ItemOf<'GET /projects/{id}/registry/repositories'>;

export const repositoryOrders = ['name', 'size', 'last_published_at', 'last_pulled_at'] as const;

interface RepositoryTableProps {
  readonly repositories: readonly Repository[];
  readonly state: ListState;
  /** Whether the list is of more than one project, so that names are whole. */
  readonly isAcrossProjects?: boolean;
  readonly empty: ComponentChildren;
}

export function RepositoryTable({
  repositories,
  state,
  isAcrossProjects = false,
  empty,
}: RepositoryTableProps) {
  const columns: readonly Column<Repository>[] = [
    {
      key: 'name',
      header: t.repository,
      sort: 'name',
      cell: ({ id, name, path, status }) => (
        <>
          <a href={hrefTo(['projects', projectOf({ name, path }), 'repositories', id])}>
            {isAcrossProjects ? path : name || path}
          </a>{' '}
          {status && <Badge tone="warn">{t.statuses[status]}</Badge>}
        </>
      ),
    },
    {
      key: 'tags',
      header: t.tags,
      isNumber: true,
      cell: ({ tags_count: count }) => (count === undefined ? '' : numberText(count)),
    },
    {
      key: 'size',
      header: t.size,
      sort: 'size',
      isNumber: true,
      cell: ({ size }) => <Bytes value={size} />,
    },
    {
      key: 'published',
      header: t.published,
      sort: 'last_published_at',
      cell: (repository) => <Instant at={repository.last_published_at} />,
    },
    {
      key: 'pulled',
      header: t.pulled,
      sort: 'last_pulled_at',
      cell: (repository) => <Instant at={repository.last_pulled_at} />,
    },
  ];
  const shown = isAcrossProjects ? columns.filter(({ key }) => key !== 'tags') : columns;
  return (
    <Table
      label={t.title}
      columns={shown}
      rows={repositories}
      keyOf={({ id }) => id}
      state={state}
      empty={empty}
    />
  );
}

/** The path of the project, which the repository's begins with. */
function projectOf({ name, path }: Pick<Repository, 'name' | 'path'>): string {
  return name === '' ? path : path.slice(0, -name.length - 1);
}
