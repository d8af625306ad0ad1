/** The tags of a repository: searched, sorted, paged and chosen by the address. */
import { useState } from 'preact/hooks';
import type { ItemOf } from '../../api/api.ts';
import { chosen } from '../../api/choices.ts';
import { usePage } from '../../api/use-api.ts';
import { CopyButton, Snippet } from '../../components/copy-button.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { useListState } from '../../components/list-state.ts';
import { PagedTable } from '../../components/paged-table.tsx';
import { SearchField } from '../../components/search-field.tsx';
import type { Column } from '../../components/table.tsx';
import { Bytes, Instant } from '../../components/values.tsx';
import { numberText } from '../../format.ts';
import { hrefTo } from '../../router/place.ts';
import { tagsTexts as t } from '../../texts/repositories.ts';
import { shell } from '../../texts/shell.ts';
import { DeleteMany } from './delete-many.tsx';
import { DeleteTags } from './delete-tags.tsx';
import { pullByDigest, pullByTag, shortDigest } from './image-names.ts';
import type { RepositoryOf } from './repository-of.ts';

type Tag = ItemOf<'GET /projects/{id}/registry/repositories/{repository_id}/tags'>;

const orders = ['name', 'size', 'last_published_at', 'last_pulled_at'] as const;

interface TagsListProps {
  readonly repository: RepositoryOf;
  readonly mayDelete: boolean;
}

export function TagsList({ repository, mayDelete }: TagsListProps) {
  const { project, id, location } = repository;
  const state = useListState('-last_published_at');
  const [isDeleting, setDeleting] = useState<'selected' | 'pattern'>();
  const tags = usePage('GET /projects/{id}/registry/repositories/{repository_id}/tags', {
    path: { id: project, repository_id: id },
    query: {
      search: state.search,
      order_by: chosen(state.sort, orders, 'last_published_at'),
      sort: state.isDescending ? 'desc' : 'asc',
      page: state.page,
      per_page: state.perPage,
    },
  });
  const selected = [...state.selected];
  const columns: readonly Column<Tag>[] = [
    {
      key: 'tag',
      header: t.tag,
      sort: 'name',
      cell: ({ name }) => (
        <a href={hrefTo(['projects', project, 'repositories', id, 'tags', name])}>{name}</a>
      ),
    },
    {
      key: 'digest',
      header: t.digest,
      cell: ({ digest }) => <span class="code">{shortDigest(digest)}</span>,
    },
    {
      key: 'size',
      header: t.size,
      sort: 'size',
      isNumber: true,
      cell: (tag) => <Bytes value={tag.total_size} />,
    },
    {
      key: 'published',
      header: t.published,
      sort: 'last_published_at',
      cell: (tag) => <Instant at={tag.last_published_at} />,
    },
    {
      key: 'pulled',
      header: t.pulled,
      sort: 'last_pulled_at',
      cell: (tag) => <Instant at={tag.last_pulled_at} />,
    },
    { key: 'pulls', header: t.pulls, isNumber: true, cell: (tag) => numberText(tag.pulls_count) },
    {
      key: 'copy',
      header: shell.copy,
      cell: ({ name, digest }) => (
        <span class="actions">
          <CopyButton text={pullByTag(location, name)} label={t.copyTag} />
          <CopyButton text={pullByDigest(location, digest)} label={t.copyDigest} />
        </span>
      ),
    },
  ];
  return (
    <>
      <div class="toolbar">
        <SearchField label={t.search} value={state.search} onSearch={state.searchFor} />
        {selected.length > 0 ? (
          <Selection
            names={selected}
            repository={repository}
            mayDelete={mayDelete}
            onDelete={() => setDeleting('selected')}
            onClear={() => state.select([])}
          />
        ) : (
          mayDelete && (
            <button type="button" onClick={() => setDeleting('pattern')}>
              {t.byPattern}
            </button>
          )
        )}
      </div>
      <PagedTable
        of={tags}
        pages={state}
        label={t.tags}
        columns={columns}
        keyOf={({ name }) => name}
        state={state}
        isSelectable
        empty={state.search ? <NothingFound /> : <NoTags location={location} />}
      />
      {isDeleting === 'selected' && (
        <DeleteTags
          repository={repository}
          names={selected}
          onClose={() => setDeleting(undefined)}
          onDeleted={() => {
            state.select([]);
            tags.reload();
          }}
        />
      )}
      {isDeleting === 'pattern' && (
        <DeleteMany
          repository={repository}
          onClose={() => setDeleting(undefined)}
          onRequested={tags.reload}
        />
      )}
    </>
  );
}

interface SelectionProps {
  readonly names: readonly string[];
  readonly repository: RepositoryOf;
  readonly mayDelete: boolean;
  readonly onDelete: () => void;
  readonly onClear: () => void;
}

function Selection({ names, repository, mayDelete, onDelete, onClear }: SelectionProps) {
  const [left, right] = names;
  const canCompare = left !== undefined && right !== undefined && names.length === 2;
  return (
    <div class="actions" role="status">
      <span>{shell.selectedCount(names.length)}</span>
      {canCompare && (
        <a
          class="button"
          href={hrefTo(['projects', repository.project, 'repositories', repository.id, 'compare'], {
            left,
            right,
          })}
        >
          {t.compareSelected}
        </a>
      )}
      {mayDelete && (
        <button type="button" class="danger" onClick={onDelete}>
          {t.deleteSelected}
        </button>
      )}
      <button type="button" class="link" onClick={onClear}>
        {t.clear}
      </button>
    </div>
  );
}

function NothingFound() {
  return (
    <EmptyState title={t.nothingFound}>
      <p>{t.nothingFoundHint}</p>
    </EmptyState>
  );
}

function NoTags({ location }: { readonly location: string }) {
  return (
    <EmptyState title={t.empty}>
      <p>{t.emptyHint}</p>
      <Snippet text={`docker push ${location}:1.0`} label={t.empty} />
    </EmptyState>
  );
}
