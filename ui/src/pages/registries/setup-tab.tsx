/** How clients pull through a virtual registry, as the API writes it for this server. */

import type { Operations } from '../../api/schema.ts';
import { useApi, useLoaded } from '../../api/use-api.ts';
import { CheckedSelect } from '../../components/checked-select.tsx';
import { Snippet } from '../../components/copy-button.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { useQuery } from '../../router/use-place.tsx';
import { setupTexts as t } from '../../texts/registries.ts';

type Client = Operations['GET /virtual_registries/container/registries/{id}/setup']['query']['client'];

const clients = [
  'docker',
  'containerd',
  'podman',
  'kubernetes',
  'gitlab-ci',
  'github-actions',
  'dockerd',
  'crio',
  'k3s',
  'kyverno',
  'buildkit',
  'skopeo',
] as const satisfies readonly Client[];

export function SetupTab({ registryId }: { readonly registryId: number }) {
  const api = useApi();
  const [query, change] = useQuery();
  const client = clients.find((each) => each === query.get('client')) ?? 'docker';
  const text = useLoaded(`setup ${registryId} ${client}`, (signal) =>
    api.text(
      'GET /virtual_registries/container/registries/{id}/setup',
      { path: { id: registryId }, query: { client } },
      signal,
    ),
  );
  return (
    <div class="section">
      <p class="muted">{t.intro}</p>
      <CheckedSelect
        label={t.client}
        value={client}
        choices={clients.map((each) => [each, t.clients[each]] as const)}
        onChange={(chosen) => change({ client: chosen })}
      />
      <LoadState of={text}>{(data) => <Snippet text={data} label={t.label(t.clients[client])} />}</LoadState>
    </div>
  );
}
