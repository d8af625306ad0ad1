/** The repositories of a project, and what they use of its quota. */
import type { Answer } from '../../api/api.ts';
import { chosen } from '../../api/choices.ts';
import { usePage } from '../../api/use-api.ts';
import { Snippet } from '../../components/copy-button.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { useListState } from '../../components/list-state.ts';
import { LoadState } from '../../components/load-state.tsx';
import { SearchField } from '../../components/search-field.tsx';
import { Pager } from '../../components/table.tsx';
import { placesTexts } from '../../texts/places.ts';
import { repositoriesTexts as t } from '../../texts/repositories.ts';
import { Usage } from '../places/usage.tsx';
import { RepositoryTable, repositoryOrders } from '../repositories/repository-table.tsx';

export function ProjectRepositories({ project }: { readonly project: Answer<'GET /projects/{id}'> }) {
  const { id, path_with_namespace: path, statistics, container_registry_quota_bytes: quota } = project;
  const state = useListState('name');
  const repositories = usePage('GET /projects/{id}/registry/repositories', {
    path: { id },
    query: {
      tags_count: true,
      search: state.search,
      order_by: chosen(state.sort, repositoryOrders, 'name'),
      sort: state.isDescending ? 'desc' : 'asc',
      page: state.page,
      per_page: state.perPage,
    },
  });
  return (
    <>
      <div class="grid narrow">
        <Usage label={placesTexts.hosted} used={statistics?.container_registry_size} quota={quota} />
      </div>
      <SearchField label={t.search} value={state.search} onSearch={state.searchFor} />
      <LoadState of={repositories}>
        {({ items, total, hasNext }) => (
          <>
            <RepositoryTable
              repositories={items}
              state={state}
              empty={
                state.search ? (
                  <EmptyState title={t.nothingFound}>
                    <p>{t.nothingFoundHint}</p>
                  </EmptyState>
                ) : (
                  <EmptyState title={t.empty}>
                    <p>{t.emptyHint}</p>
                    <Snippet text={t.pushExample(location.host, path)} label={t.empty} />
                  </EmptyState>
                )
              }
            />
            <Pager state={state} total={total} hasNext={hasNext} />
          </>
        )}
      </LoadState>
    </>
  );
}
