/** What was found wrong with stored bytes. */
import type { ItemOf } from '../../api/api.ts';
import { chosen } from '../../api/choices.ts';
import { usePage } from '../../api/use-api.ts';
import { Badge } from '../../components/badge.tsx';
import { CheckedSelect } from '../../components/checked-select.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { useListState } from '../../components/list-state.ts';
import { Section } from '../../components/page.tsx';
import { PagedTable } from '../../components/paged-table.tsx';
import type { Column } from '../../components/table.tsx';
import { Bytes, Instant } from '../../components/values.tsx';
import { useQuery } from '../../router/use-place.tsx';
import { adminTexts, storageTexts as t } from '../../texts/administration.ts';

type Finding = ItemOf<'GET /admin/storage/findings'>;

const states = ['open', 'healed', 'removed'] as const;
const tones = { open: 'bad', healed: 'good', removed: 'plain' } as const;

const columns: readonly Column<Finding>[] = [
  { key: 'kind', header: t.kind, cell: ({ kind }) => t.kinds[kind] },
  {
    key: 'state',
    header: t.state,
    cell: ({ state }) => <Badge tone={tones[state]}>{t.states[state]}</Badge>,
  },
  {
    key: 'digest',
    header: t.digest,
    cell: ({ digest, storage_key: key }) => <span class="code break">{digest ?? key}</span>,
  },
  { key: 'size', header: t.size, isNumber: true, cell: ({ size }) => <Bytes value={size} /> },
  { key: 'whose', header: t.whose, cell: ({ hosted }) => (hosted ? t.hosted : t.cached) },
  { key: 'found', header: t.found, cell: (finding) => <Instant at={finding.found_at} /> },
  { key: 'settled', header: t.settled, cell: (finding) => <Instant at={finding.settled_at} never="" /> },
];

export function StorageFindings() {
  const state = useListState('-id');
  const [query, change] = useQuery();
  const shown = chosen(query.get('state'), states, undefined);
  const findings = usePage('GET /admin/storage/findings', {
    query: { state: shown, page: state.page, per_page: state.perPage },
  });
  return (
    <Section
      title={adminTexts.storage}
      intro={t.intro}
      actions={
        <CheckedSelect
          label={t.state}
          value={shown ?? 'all'}
          choices={[['all', t.all] as const, ...states.map((each) => [each, t.states[each]] as const)]}
          onChange={(each) => change({ state: each === 'all' ? undefined : each, page: undefined })}
        />
      }
    >
      <PagedTable
        of={findings}
        pages={state}
        label={adminTexts.storage}
        columns={columns}
        keyOf={({ id }) => id}
        empty={
          <EmptyState title={t.empty}>
            <p>{t.emptyHint}</p>
          </EmptyState>
        }
      />
    </Section>
  );
}
