/** How big the cache of a group is and may be, and what its cleanup policy forgets. */
import { useState } from 'preact/hooks';
import { useAnswer, useApi } from '../../api/use-api.ts';
import { Dialog } from '../../components/dialog.tsx';
import { TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Section } from '../../components/page.tsx';
import { Bytes, Facts, Instant } from '../../components/values.tsx';
import { bytesText, numberText, percentText } from '../../format.ts';
import { limitTexts as t } from '../../texts/caches.ts';
import { shell } from '../../texts/shell.ts';
import { CleanupPolicy } from './cleanup-policy.tsx';

const gigabyte = 1_000_000_000;

export function LimitsTab({ groupId, mayChange }: { readonly groupId: number; readonly mayChange: boolean }) {
  const api = useApi();
  const [isChanging, setChanging] = useState(false);
  const path = { id: groupId };
  const cache = useAnswer('GET /groups/{id}/-/virtual_registries/cache', { path });
  const limitOf = (bytes: number | null) => (bytes === null ? t.noLimit : bytesText(bytes));
  return (
    <>
      <Section
        title={t.cacheTitle}
        intro={t.cacheIntro}
        actions={
          mayChange && (
            <button type="button" onClick={() => setChanging(true)}>
              {t.change}
            </button>
          )
        }
      >
        <LoadState of={cache}>
          {(data) => (
            <div class="card">
              <Facts
                of={[
                  [t.used, <Bytes key="used" value={data.bytes} />],
                  [t.limit, limitOf(data.max_bytes)],
                  [t.serverLimit, limitOf(data.server_max_bytes)],
                  [t.pinned, <Bytes key="pinned" value={data.pinned_bytes} />],
                  [t.entries, numberText(data.entries_count)],
                  [t.hitRate, data.hit_rate === null ? shell.unknown : percentText(data.hit_rate)],
                  [
                    t.evicted,
                    <span key="evicted">
                      <Instant at={data.last_evicted_at} />
                      {data.last_evicted_at &&
                        ` (${t.evictedText(numberText(data.last_evicted_entries_count), bytesText(data.last_evicted_size))})`}
                    </span>,
                  ],
                ]}
              />
            </div>
          )}
        </LoadState>
      </Section>
      <CleanupPolicy groupId={groupId} />
      {isChanging && cache.data && (
        <Dialog title={t.change} onClose={() => setChanging(false)}>
          <Form
            action={shell.save}
            onCancel={() => setChanging(false)}
            onSubmit={async (values) => {
              const gigabytes = values.number('max_bytes');
              const max_bytes = gigabytes === undefined ? null : Math.round(gigabytes * gigabyte);
              await api.call('PATCH /groups/{id}/-/virtual_registries/cache', { path, body: { max_bytes } });
              setChanging(false);
              cache.reload();
            }}
          >
            <TextField
              name="max_bytes"
              type="number"
              label={t.limitField}
              hint={t.limitHint}
              value={cache.data.max_bytes === null ? '' : cache.data.max_bytes / gigabyte}
              min={0}
              hasFocus
            />
          </Form>
        </Dialog>
      )}
    </>
  );
}
