/** Takes an upstream out of a virtual registry, or deletes it with its cache, once it was said what that does. */
import { useApi, useLoaded } from '../../api/use-api.ts';
import { Confirm } from '../../components/dialog.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { useToast } from '../../components/toast.tsx';
import { numberText } from '../../format.ts';
import { upstreamTexts as t } from '../../texts/registries.ts';
import { shell } from '../../texts/shell.ts';
import type { PlacedUpstream } from './placed-upstream.ts';

interface RemoveUpstreamProps {
  readonly upstream: PlacedUpstream;
  /** Or only taken out. */
  readonly isDeleted: boolean;
  readonly onRemoved: () => void;
  readonly onClose: () => void;
}

export function RemoveUpstream({ upstream, isDeleted, onRemoved, onClose }: RemoveUpstreamProps) {
  const api = useApi();
  const tell = useToast();
  const { id, name, registry_upstream: place } = upstream;
  const consequences = useLoaded(`consequences ${id}`, async (signal) => {
    const path = { id };
    const [entries, details] = await Promise.all([
      api.page(
        'GET /virtual_registries/container/upstreams/{id}/cache_entries',
        { path, query: { per_page: 1 } },
        signal,
      ),
      api.call('GET /virtual_registries/container/upstreams/{id}', { path }, signal),
    ]);
    return { entries: entries.total, registries: details.registry_upstreams.length };
  });
  return (
    <Confirm
      title={isDeleted ? t.deleteTitle(name) : t.removeTitle(name)}
      action={isDeleted ? t.delete : t.remove}
      {...(isDeleted && { name })}
      onClose={onClose}
      onConfirm={async () => {
        if (isDeleted)
          await api.call('DELETE /virtual_registries/container/upstreams/{id}', { path: { id } });
        else
          await api.call('DELETE /virtual_registries/container/registry_upstreams/{id}', {
            path: { id: place.id },
          });
        tell(isDeleted ? t.deleted(name) : t.removed(name));
        onRemoved();
      }}
    >
      {isDeleted ? (
        <LoadState of={consequences}>
          {({ entries, registries }) => (
            <>
              <p>{t.deleteText(t.entries(entries === undefined ? shell.many : numberText(entries)))}</p>
              {registries > 1 && <p>{t.deleteShared(registries)}</p>}
            </>
          )}
        </LoadState>
      ) : (
        <p>{t.removeText}</p>
      )}
    </Confirm>
  );
}
