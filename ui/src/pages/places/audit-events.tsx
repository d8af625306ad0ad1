/** The audit log, of a place or of all, with filters in the address and an export of what they leave. */
import { useState } from 'preact/hooks';
import type { ItemOf } from '../../api/api.ts';
import type { PlaceOf } from '../../api/roles.ts';
import { apiErrorOf, useApi, useLoaded } from '../../api/use-api.ts';
import { EmptyState } from '../../components/empty-state.tsx';
import { TextField } from '../../components/fields.tsx';
import { FormValues } from '../../components/form.tsx';
import { useListState } from '../../components/list-state.ts';
import { Section } from '../../components/page.tsx';
import { PagedTable } from '../../components/paged-table.tsx';
import type { Column } from '../../components/table.tsx';
import { useToast } from '../../components/toast.tsx';
import { Instant } from '../../components/values.tsx';
import { useQuery } from '../../router/use-place.tsx';
import { auditTexts as t } from '../../texts/audit.ts';
import { csvOf } from './csv.ts';

type Event = ItemOf<'GET /audit_events'>;

const filters = ['event_name', 'entity_type', 'author_id', 'created_after', 'created_before'] as const;
/** An export asks for so many pages at most. */
const maxPages = 500;
const perPage = 100;

const columns: readonly Column<Event>[] = [
  { key: 'at', header: t.at, cell: (event) => <Instant at={event.created_at} /> },
  { key: 'author', header: t.author, cell: (event) => event.details.author_name },
  { key: 'event', header: t.event, cell: (event) => <span class="code">{event.event_name}</span> },
  {
    key: 'target',
    header: t.target,
    cell: ({ entity_type: type, details: { target_details: target, project_path, group_path } }) => (
      <>
        <span class="break">{target}</span>
        <p class="muted">{[type, project_path ?? group_path].filter(Boolean).join(' · ')}</p>
      </>
    ),
  },
  { key: 'address', header: t.address, cell: (event) => event.details.ip_address ?? '' },
  {
    key: 'details',
    header: t.details,
    cell: ({ details: { attributes } }) =>
      Object.keys(attributes).length > 0 && (
        <details>
          <summary>{t.details}</summary>
          <pre class="wrapped">{JSON.stringify(attributes, undefined, 2)}</pre>
        </details>
      ),
  },
];

/** @param place undefined: of the whole server */
export function AuditEvents({ place }: { readonly place?: PlaceOf }) {
  const api = useApi();
  const tell = useToast();
  const [query, change] = useQuery();
  const [exported, setExported] = useState<number>();
  const state = useListState('-id');
  const search = {
    event_name: query.get('event_name') ?? undefined,
    entity_type: query.get('entity_type') ?? undefined,
    author_id: Number(query.get('author_id')) || undefined,
    created_after: query.get('created_after') ?? undefined,
    created_before: query.get('created_before') ?? undefined,
  };
  const ask = (page: number, size: number, signal?: AbortSignal) => {
    const given = { query: { ...search, page, per_page: size } };
    return place
      ? api.page(`GET /${place.kind}/{id}/audit_events`, { path: { id: place.id }, ...given }, signal)
      : api.page('GET /audit_events', given, signal);
  };
  const asked = JSON.stringify([place, search, state.page]);
  const events = useLoaded(asked, (signal) => ask(state.page, state.perPage, signal));
  const exportAll = async () => {
    const found: Event[] = [];
    setExported(0);
    try {
      for (let page = 1; page <= maxPages; page += 1) {
        const part = await ask(page, perPage);
        found.push(...part.items);
        setExported(found.length);
        if (!part.hasNext) break;
      }
      save(csvOf(found.map(rowOf)), 'audit-events.csv');
      tell(found.length === maxPages * perPage ? t.exportLimit(found.length) : t.exported(found.length));
    } catch (error) {
      tell(apiErrorOf(error).message);
    }
    setExported(undefined);
  };
  const isFiltered = filters.some((name) => query.has(name));
  return (
    <Section
      title={t.title}
      intro={t.intro}
      actions={
        <button type="button" disabled={exported !== undefined} onClick={exportAll}>
          {exported === undefined ? t.exportCsv : t.exporting(exported)}
        </button>
      }
    >
      <form
        class="filter"
        onSubmit={(event) => {
          event.preventDefault();
          const values = new FormValues(new FormData(event.currentTarget));
          change({
            ...Object.fromEntries(filters.map((name) => [name, values.optional(name)])),
            page: undefined,
          });
        }}
      >
        <TextField
          name="event_name"
          label={t.eventName}
          placeholder={t.eventHint}
          value={search.event_name}
        />
        <TextField name="entity_type" label={t.entityType} value={search.entity_type} />
        <TextField name="author_id" label={t.authorId} type="number" min={1} value={search.author_id} />
        <TextField name="created_after" label={t.after} type="date" value={search.created_after} />
        <TextField name="created_before" label={t.before} type="date" value={search.created_before} />
        <div class="actions">
          <button type="submit">{t.filter}</button>
          {isFiltered && (
            <button
              type="reset"
              class="link"
              onClick={() => change(Object.fromEntries(filters.map((name) => [name, undefined])))}
            >
              {t.clear}
            </button>
          )}
        </div>
      </form>
      <PagedTable
        of={events}
        pages={state}
        label={t.title}
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

function rowOf({ id, created_at: at, event_name, entity_type, details }: Event): Record<string, string> {
  return {
    id: String(id),
    at,
    author: details.author_name,
    address: details.ip_address ?? '',
    event: event_name,
    kind: entity_type,
    target: details.target_details,
    place: details.project_path ?? details.group_path ?? '',
    attributes: JSON.stringify(details.attributes),
  };
}

function save(text: string, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
