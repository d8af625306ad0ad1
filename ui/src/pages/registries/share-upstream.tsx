/** Lets a virtual registry use an upstream that another one of its group has. */

import type { Schemas } from '../../api/schema.ts';
import { useAnswer, useApi } from '../../api/use-api.ts';
import { Dialog } from '../../components/dialog.tsx';
import { Select } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { upstreamTexts as t } from '../../texts/registries.ts';
import type { PlacedUpstream } from './placed-upstream.ts';

interface ShareUpstreamProps {
  readonly registry: Schemas['VirtualRegistryDetails'];
  readonly known: readonly PlacedUpstream[];
  readonly onShared: () => void;
  readonly onClose: () => void;
}

export function ShareUpstream({ registry, known, onShared, onClose }: ShareUpstreamProps) {
  const api = useApi();
  const all = useAnswer('GET /groups/{id}/-/virtual_registries/container/upstreams', {
    path: { id: registry.group_id },
    query: { per_page: 100 },
  });
  return (
    <Dialog title={t.shareTitle} onClose={onClose}>
      <LoadState of={all}>
        {(upstreams) => {
          const others = upstreams.filter(({ id }) => known.every((each) => each.id !== id));
          if (others.length === 0) return <p>{t.shareNone}</p>;
          return (
            <Form
              action={t.shareAction}
              onCancel={onClose}
              onSubmit={async (values) => {
                const body = { registry_id: registry.id, upstream_id: Number(values.text('upstream_id')) };
                await api.call('POST /virtual_registries/container/registry_upstreams', { body });
                onClose();
                onShared();
              }}
            >
              <Select
                name="upstream_id"
                label={t.url}
                hint={t.shareText}
                choices={others.map(({ id, name, url }) => ({
                  value: String(id),
                  label: `${name} (${url})`,
                }))}
              />
            </Form>
          );
        }}
      </LoadState>
    </Dialog>
  );
}
