/** Deletes a virtual registry, once it was said which upstreams go with it. */

import type { Schemas } from '../../api/schema.ts';
import { useApi, useLoaded } from '../../api/use-api.ts';
import { Confirm } from '../../components/dialog.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { registryTexts as t } from '../../texts/registries.ts';

interface DeleteRegistryProps {
  readonly registry: Schemas['VirtualRegistryDetails'];
  readonly onDeleted: () => void;
  readonly onClose: () => void;
}

export function DeleteRegistry({ registry, onDeleted, onClose }: DeleteRegistryProps) {
  const api = useApi();
  const leaving = useLoaded(`leaving ${registry.id}`, async (signal) => {
    const details = await Promise.all(
      registry.registry_upstreams.map(({ upstream_id: id }) =>
        api.call('GET /virtual_registries/container/upstreams/{id}', { path: { id } }, signal),
      ),
    );
    return details.filter(({ registry_upstreams }) => registry_upstreams.length === 1);
  });
  return (
    <Confirm
      title={t.deleteTitle(registry.name)}
      name={registry.name}
      action={t.delete}
      onClose={onClose}
      onConfirm={async () => {
        await api.call('DELETE /virtual_registries/container/registries/{id}', { path: { id: registry.id } });
        onDeleted();
      }}
    >
      <p>{t.deleteText}</p>
      <LoadState of={leaving}>
        {(upstreams) =>
          upstreams.length === 0 ? (
            <p>{t.deleteNothing}</p>
          ) : (
            <>
              <p>{t.deleteUpstreams}</p>
              <ul class="list">
                {upstreams.map(({ id, name, url }) => (
                  <li key={id}>
                    {name} <code>{url}</code>
                  </li>
                ))}
              </ul>
            </>
          )
        }
      </LoadState>
    </Confirm>
  );
}
