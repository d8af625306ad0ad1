/** What is cached of each upstream: searched, and forgotten in part or whole. */
import { useState } from 'preact/hooks';
import type { ItemOf } from '../../api/api.ts';
import { chosen } from '../../api/choices.ts';
import { useAnswer, useApi, usePage } from '../../api/use-api.ts';
import { CheckedSelect } from '../../components/checked-select.tsx';
import { Snippet } from '../../components/copy-button.tsx';
import { Confirm } from '../../components/dialog.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { useListState } from '../../components/list-state.ts';
import { LoadState } from '../../components/load-state.tsx';
import { PagedTable } from '../../components/paged-table.tsx';
import { SearchField } from '../../components/search-field.tsx';
import type { Column } from '../../components/table.tsx';
import { useToast } from '../../components/toast.tsx';
import { Bytes, Instant } from '../../components/values.tsx';
import { numberText } from '../../format.ts';
import { useQuery } from '../../router/use-place.tsx';
import { cacheTexts as t } from '../../texts/caches.ts';
import { registryTexts, upstreamTexts } from '../../texts/registries.ts';
import type { PlacedUpstream } from './placed-upstream.ts';
import { Prewarms } from './prewarms.tsx';

type Entry = ItemOf<'GET /virtual_registries/container/upstreams/{id}/cache_entries'>;

const orders = ['created_at', 'size', 'downloaded_at'] as const;

interface CacheTabProps {
  readonly registryId: number;
  readonly mayChange: boolean;
}

export function CacheTab(props: CacheTabProps) {
  const upstreams = useAnswer('GET /virtual_registries/container/registries/{id}/upstreams', {
    path: { id: props.registryId },
  });
  const [query, change] = useQuery();
  return (
    <LoadState of={upstreams}>
      {(all) => {
        const shown = all.find(({ id }) => String(id) === query.get('upstream')) ?? all[0];
        if (!shown)
          return (
            <EmptyState title={upstreamTexts.none}>
              <p>{upstreamTexts.noneHint}</p>
            </EmptyState>
          );
        return (
          <div class="section">
            <CheckedSelect
              label={t.upstream}
              value={String(shown.id)}
              choices={all.map(({ id, name }) => [String(id), name] as const)}
              onChange={(id) => change({ upstream: id, page: undefined, selected: undefined })}
            />
            <Entries key={shown.id} {...props} upstream={shown} />
            <Prewarms {...props} />
          </div>
        );
      }}
    </LoadState>
  );
}

function Entries({ registryId, mayChange, upstream }: CacheTabProps & { readonly upstream: PlacedUpstream }) {
  const api = useApi();
  const tell = useToast();
  const state = useListState('-created_at');
  const [isForgetting, setForgetting] = useState<'selected' | 'all'>();
  const entries = usePage('GET /virtual_registries/container/upstreams/{id}/cache_entries', {
    path: { id: upstream.id },
    query: {
      search: state.search || undefined,
      order_by: chosen(state.sort, orders, 'created_at'),
      sort: state.isDescending ? 'desc' : 'asc',
      page: state.page,
      per_page: state.perPage,
    },
  });
  const forget = async () => {
    if (isForgetting === 'all') {
      await api.call('DELETE /virtual_registries/container/upstreams/{id}/cache', {
        path: { id: upstream.id },
      });
      tell(registryTexts.cleared);
    } else {
      for (const id of state.selected)
        await api.call('DELETE /virtual_registries/container/cache_entries/{id}', { path: { id } });
      tell(t.forgotten(state.selected.size));
    }
    state.select([]);
    entries.reload();
  };
  return (
    <>
      <div class="toolbar">
        <SearchField label={t.search} value={state.search} onSearch={state.searchFor} />
        {mayChange && (
          <>
            <button
              type="button"
              disabled={state.selected.size === 0}
              onClick={() => setForgetting('selected')}
            >
              {t.forgetSelected}
            </button>
            <button type="button" onClick={() => setForgetting('all')}>
              {t.clearUpstream}
            </button>
          </>
        )}
      </div>
      <PagedTable
        of={entries}
        pages={state}
        label={registryTexts.tabs.cache}
        columns={columns}
        keyOf={({ id }) => id}
        state={state}
        isSelectable={mayChange}
        empty={
          <EmptyState title={state.search ? t.noneSearch : t.none}>
            {!state.search && (
              <>
                <p>{t.noneHint}</p>
                <Snippet
                  text={registryTexts.pullCommand(location.host, registryId)}
                  label={registryTexts.pull}
                />
              </>
            )}
          </EmptyState>
        }
      />
      {isForgetting && (
        <Confirm
          title={isForgetting === 'all' ? registryTexts.clearTitle : t.forgetTitle(state.selected.size)}
          action={t.forget}
          onClose={() => setForgetting(undefined)}
          onConfirm={forget}
        >
          <p>{isForgetting === 'all' ? registryTexts.clearText : t.forgetText}</p>
        </Confirm>
      )}
    </>
  );
}

const columns: readonly Column<Entry>[] = [
  { key: 'path', header: t.path, cell: ({ relative_path }) => <code>{relative_path}</code> },
  { key: 'size', header: t.size, sort: 'size', cell: ({ size }) => <Bytes value={size} />, isNumber: true },
  {
    key: 'type',
    header: t.type,
    cell: ({ content_type }) => <span class="muted break">{content_type}</span>,
  },
  {
    key: 'pulls',
    header: t.pulls,
    cell: ({ downloads_count }) => numberText(downloads_count),
    isNumber: true,
  },
  {
    key: 'pulled',
    header: t.pulled,
    sort: 'downloaded_at',
    cell: ({ downloaded_at }) => <Instant at={downloaded_at} />,
  },
  {
    key: 'made',
    header: t.made,
    sort: 'created_at',
    cell: ({ created_at }) => <Instant at={created_at} />,
  },
  {
    key: 'checked',
    header: t.checked,
    cell: ({ upstream_checked_at }) => <Instant at={upstream_checked_at} />,
  },
];
