/** How each upstream does, of all virtual registries that one may see, and where to go from here. */
import { useApi, useLoaded } from '../../api/use-api.ts';
import { EmptyState } from '../../components/empty-state.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Section } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Instant } from '../../components/values.tsx';
import { hrefTo } from '../../router/place.ts';
import { overviewTexts as t } from '../../texts/overview.ts';
import type { ShownRegistry } from '../registries/list-registries.ts';
import type { PlacedUpstream } from '../registries/placed-upstream.ts';
import { Breaker, Quota } from '../registries/upstream-row.tsx';

const pollMs = 15_000;
/** More would be as many requests. */
const maxRegistries = 20;

interface ShownUpstream {
  readonly upstream: PlacedUpstream;
  readonly registries: readonly { readonly id: number; readonly name: string }[];
}

export function Upstreams({ registries }: { readonly registries: readonly ShownRegistry[] }) {
  const api = useApi();
  const loaded = useLoaded(
    `upstreams ${registries.map(({ id }) => id).join(' ')}`,
    async (signal) => {
      const found = new Map<number, ShownUpstream>();
      for (const registry of registries.slice(0, maxRegistries)) {
        const path = { id: registry.id };
        const upstreams = await api.call(
          'GET /virtual_registries/container/registries/{id}/upstreams',
          { path },
          signal,
        );
        for (const upstream of upstreams) {
          const users = found.get(upstream.id)?.registries ?? [];
          found.set(upstream.id, { upstream, registries: [...users, registry] });
        }
      }
      return [...found.values()];
    },
    pollMs,
  );
  return (
    <Section title={t.upstreams}>
      <LoadState of={loaded}>
        {(rows) => (
          <Table
            label={t.upstreams}
            columns={columns}
            rows={rows}
            keyOf={({ upstream }) => upstream.id}
            empty={
              <EmptyState title={t.upstreamsNone}>
                <p>
                  {t.upstreamsNoneHint} <a href="#/registries">{t.upstreamsLink}</a>
                </p>
              </EmptyState>
            }
          />
        )}
      </LoadState>
    </Section>
  );
}

const columns: readonly Column<ShownUpstream>[] = [
  {
    key: 'name',
    header: t.upstreams,
    cell: ({ upstream: { name, url } }) => (
      <div>
        {name}
        <p class="muted break">{url}</p>
      </div>
    ),
  },
  { key: 'state', header: t.state, cell: ({ upstream }) => <Breaker health={upstream.health} /> },
  {
    key: 'error',
    header: t.lastError,
    cell: ({ upstream: { health } }) =>
      health.last_error ? (
        <span>
          <Instant at={health.last_error.at} />: {health.last_error.message}
        </span>
      ) : (
        <Instant at={null} />
      ),
  },
  {
    key: 'quota',
    header: t.quota,
    cell: ({ upstream }) => <Quota health={upstream.health} />,
  },
  {
    key: 'used',
    header: t.usedBy,
    cell: ({ registries }) => (
      <span class="actions">
        {registries.map(({ id, name }) => (
          <a key={id} href={hrefTo(['registries', id])}>
            {name}
          </a>
        ))}
      </span>
    ),
  },
];
