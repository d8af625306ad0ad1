/** The repositories of all projects of a group. */

import { chosen } from '../../api/choices.ts';
import { usePage } from '../../api/use-api.ts';
import { useListState } from '../../components/list-state.ts';
import { LoadState } from '../../components/load-state.tsx';
import { SearchField } from '../../components/search-field.tsx';
import { Pager } from '../../components/table.tsx';
import { repositoriesTexts as t } from '../../texts/repositories.ts';
import { RepositoryTable, repositoryOrders } from '../repositories/repository-table.tsx';

export function GroupRepositories({ id }: { readonly id: string }) {
  const state = useListState('name');
  const repositories = usePage('GET /groups/{id}/registry/repositories', {
    path: { id },
    query: {
      search: state.search,
      order_by: chosen(state.sort, repositoryOrders, 'name'),
      sort: state.isDescending ? 'desc' : 'asc',
      page: state.page,
      per_page: state.perPage,
    },
  });
  return (
    <>
      <SearchField label={t.search} value={state.search} onSearch={state.searchFor} />
      <LoadState of={repositories}>
        {({ items, total, hasNext }) => (
          <>
            <RepositoryTable
              repositories={items}
              state={state}
              isAcrossProjects
              empty={<p class="muted">{state.search ? t.nothingFoundHint : t.empty}</p>}
            />
            <Pager state={state} total={total} hasNext={hasNext} />
          </>
        )}
      </LoadState>
    </>
  );
}
