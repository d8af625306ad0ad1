/** The upstreams of a virtual registry, in the order in which they are asked. */
import { useState } from 'preact/hooks';
import type { ApiError } from '../../api/api-error.ts';
import type { Schemas } from '../../api/schema.ts';
import { apiErrorOf, useAnswer, useApi } from '../../api/use-api.ts';
import { EmptyState } from '../../components/empty-state.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Failure } from '../../components/notice.tsx';
import { useToast } from '../../components/toast.tsx';
import { upstreamTexts as t } from '../../texts/registries.ts';
import type { PlacedUpstream } from './placed-upstream.ts';
import { RemoveUpstream } from './remove-upstream.tsx';
import { ShareUpstream } from './share-upstream.tsx';
import { UpstreamForm } from './upstream-form.tsx';
import { UpstreamRow } from './upstream-row.tsx';

type Asking =
  | { readonly kind: 'add' | 'share' }
  | { readonly kind: 'edit' | 'delete' | 'take-out'; readonly upstream: PlacedUpstream };

const pollMs = 10_000;

export function UpstreamsTab({
  registry,
  mayChange,
}: {
  readonly registry: Schemas['VirtualRegistryDetails'];
  readonly mayChange: boolean;
}) {
  const api = useApi();
  const tell = useToast();
  const [asking, setAsking] = useState<Asking>();
  const [error, setError] = useState<ApiError>();
  const [dragged, setDragged] = useState<number>();
  const path = { id: registry.id };
  const upstreams = useAnswer(
    'GET /virtual_registries/container/registries/{id}/upstreams',
    { path },
    pollMs,
  );
  const close = () => setAsking(undefined);
  const move = async (upstream: PlacedUpstream | undefined, position: number) => {
    if (!upstream || upstream.registry_upstream.position === position) return;
    setError(undefined);
    try {
      await api.call('PATCH /virtual_registries/container/registry_upstreams/{id}', {
        path: { id: upstream.registry_upstream.id },
        body: { position },
      });
      tell(t.moved(upstream.name, position));
      upstreams.reload();
    } catch (failure) {
      setError(apiErrorOf(failure));
    }
  };
  return (
    <div class="section">
      <div class="section-header">
        <p class="muted">{mayChange ? `${t.intro} ${t.introMoving}` : t.intro}</p>
        {mayChange && (
          <div class="actions">
            <button type="button" onClick={() => setAsking({ kind: 'share' })}>
              {t.share}
            </button>
            <button type="button" class="primary" onClick={() => setAsking({ kind: 'add' })}>
              {t.add}
            </button>
          </div>
        )}
      </div>
      {error && <Failure error={error} />}
      <LoadState of={upstreams}>
        {(rows) =>
          rows.length === 0 ? (
            <EmptyState title={t.none}>
              <p>{t.noneHint}</p>
            </EmptyState>
          ) : (
            <ol class="upstreams">
              {rows.map((upstream, index) => (
                <UpstreamRow
                  key={upstream.id}
                  upstream={upstream}
                  mayChange={mayChange}
                  isFirst={index === 0}
                  isLast={index === rows.length - 1}
                  isDragged={dragged === upstream.id}
                  onDragStart={() => setDragged(upstream.id)}
                  onDragEnd={() => setDragged(undefined)}
                  onDrop={() =>
                    move(
                      rows.find(({ id }) => id === dragged),
                      upstream.registry_upstream.position,
                    )
                  }
                  onMove={(by) => move(upstream, upstream.registry_upstream.position + by)}
                  onAsk={(kind) => setAsking({ kind, upstream })}
                />
              ))}
            </ol>
          )
        }
      </LoadState>
      {asking?.kind === 'add' && (
        <UpstreamForm registry={registry} onSaved={upstreams.reload} onClose={close} />
      )}
      {asking?.kind === 'edit' && (
        <UpstreamForm
          registry={registry}
          upstream={asking.upstream}
          onSaved={upstreams.reload}
          onClose={close}
        />
      )}
      {asking?.kind === 'share' && (
        <ShareUpstream
          registry={registry}
          known={upstreams.data ?? []}
          onShared={upstreams.reload}
          onClose={close}
        />
      )}
      {(asking?.kind === 'delete' || asking?.kind === 'take-out') && (
        <RemoveUpstream
          upstream={asking.upstream}
          isDeleted={asking.kind === 'delete'}
          onRemoved={upstreams.reload}
          onClose={close}
        />
      )}
    </div>
  );
}
