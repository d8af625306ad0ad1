/** Images that stay in the cache. */

import type { ItemOf } from '../../api/api.ts';
import { useAnswer, useApi } from '../../api/use-api.ts';
import { EmptyState } from '../../components/empty-state.tsx';
import { TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { RowAction } from '../../components/row-action.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { useToast } from '../../components/toast.tsx';
import { Instant } from '../../components/values.tsx';
import { pinTexts as t } from '../../texts/caches.ts';
import { registryTexts } from '../../texts/registries.ts';

type Pin = ItemOf<'GET /virtual_registries/container/registries/{id}/pins'>;

export function PinsTab({
  registryId,
  mayChange,
}: {
  readonly registryId: number;
  readonly mayChange: boolean;
}) {
  const api = useApi();
  const tell = useToast();
  const path = { id: registryId };
  const pins = useAnswer('GET /virtual_registries/container/registries/{id}/pins', { path });
  const columns: readonly Column<Pin>[] = [
    { key: 'image', header: t.image, cell: ({ image }) => <code>{image}</code> },
    { key: 'tag', header: t.tag, cell: ({ tag, digest }) => <code>{tag ?? digest ?? t.all}</code> },
    { key: 'made', header: t.made, cell: ({ created_at }) => <Instant at={created_at} /> },
    {
      key: 'remove',
      header: t.remove,
      cell: ({ id, image }) => (
        <RowAction
          name={t.remove}
          of={image}
          onClick={async () => {
            await api.call('DELETE /virtual_registries/container/registries/{id}/pins/{pin_id}', {
              path: { ...path, pin_id: id },
            });
            tell(t.removed);
            pins.reload();
          }}
        />
      ),
    },
  ];
  return (
    <div class="section">
      <p class="muted">{t.intro}</p>
      <LoadState of={pins}>
        {(rows) => (
          <Table
            label={registryTexts.tabs.pins}
            columns={mayChange ? columns : columns.filter(({ key }) => key !== 'remove')}
            rows={rows}
            keyOf={({ id }) => id}
            empty={
              <EmptyState title={t.none}>
                <p>{t.noneHint}</p>
              </EmptyState>
            }
          />
        )}
      </LoadState>
      {mayChange && (
        <div class="card">
          <Form
            action={t.add}
            onSubmit={async (values) => {
              const body = { image: values.text('image'), tag: values.optional('tag') ?? null };
              await api.call('POST /virtual_registries/container/registries/{id}/pins', { path, body });
              pins.reload();
            }}
          >
            <div class="columns">
              <TextField
                name="image"
                label={t.image}
                hint={t.imageHint}
                placeholder="library/alpine"
                isRequired
              />
              <TextField name="tag" label={t.tag} hint={t.tagHint} placeholder="3.*" />
            </div>
          </Form>
        </div>
      )}
    </div>
  );
}
