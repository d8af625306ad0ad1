/** Tags that were deleted and can be restored. */
import type { ItemOf } from '../../api/api.ts';
import { apiErrorOf, useApi, usePage } from '../../api/use-api.ts';
import { EmptyState } from '../../components/empty-state.tsx';
import { useListState } from '../../components/list-state.ts';
import { PagedTable } from '../../components/paged-table.tsx';
import { RowAction } from '../../components/row-action.tsx';
import { SearchField } from '../../components/search-field.tsx';
import type { Column } from '../../components/table.tsx';
import { useToast } from '../../components/toast.tsx';
import { Instant } from '../../components/values.tsx';
import { tagsTexts as t } from '../../texts/repositories.ts';
import { shortDigest } from './image-names.ts';
import type { RepositoryOf } from './repository-of.ts';

type Deleted = ItemOf<'GET /projects/{id}/registry/repositories/{repository_id}/deleted_tags'>;

interface DeletedTagsProps {
  readonly repository: RepositoryOf;
  readonly mayRestore: boolean;
}

export function DeletedTags({ repository: { project, id }, mayRestore }: DeletedTagsProps) {
  const api = useApi();
  const tell = useToast();
  const state = useListState('-deleted_at');
  const path = { id: project, repository_id: id };
  const tags = usePage('GET /projects/{id}/registry/repositories/{repository_id}/deleted_tags', {
    path,
    query: { search: state.search, page: state.page, per_page: state.perPage },
  });
  const restore = async ({ id: deleted_tag_id, name }: Deleted) => {
    try {
      await api.call(
        'POST /projects/{id}/registry/repositories/{repository_id}/deleted_tags/{deleted_tag_id}/restore',
        { path: { ...path, deleted_tag_id } },
      );
      tell(t.restored(name));
    } catch (error) {
      tell(apiErrorOf(error).message);
    }
    tags.reload();
  };
  const columns: readonly Column<Deleted>[] = [
    { key: 'tag', header: t.tag, cell: ({ name }) => name },
    {
      key: 'digest',
      header: t.digest,
      cell: ({ digest }) => <span class="code">{shortDigest(digest)}</span>,
    },
    { key: 'deleted', header: t.deletedAt, cell: (tag) => <Instant at={tag.deleted_at} /> },
    { key: 'by', header: t.deletedBy, cell: (tag) => tag.deleted_by },
    { key: 'published', header: t.published, cell: (tag) => <Instant at={tag.last_published_at} /> },
    ...(mayRestore
      ? [
          {
            key: 'restore',
            header: t.restore,
            cell: (tag: Deleted) => <RowAction name={t.restore} of={tag.name} onClick={() => restore(tag)} />,
          },
        ]
      : []),
  ];
  return (
    <>
      <SearchField label={t.search} value={state.search} onSearch={state.searchFor} />
      <PagedTable
        of={tags}
        pages={state}
        label={t.deletedTags}
        columns={columns}
        keyOf={(tag) => tag.id}
        empty={
          <EmptyState title={t.noDeleted}>
            <p>{t.noDeletedHint}</p>
          </EmptyState>
        }
      />
    </>
  );
}
