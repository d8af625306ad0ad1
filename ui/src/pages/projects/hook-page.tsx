/** What an endpoint of webhooks was told, how it answered, and sending it again. */
import { useState } from 'preact/hooks';
import type { ItemOf } from '../../api/api.ts';
import { chosen } from '../../api/choices.ts';
import { apiErrorOf, useAnswer, useApi, usePage } from '../../api/use-api.ts';
import { Badge } from '../../components/badge.tsx';
import { CheckedSelect } from '../../components/checked-select.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { useListState } from '../../components/list-state.ts';
import { LoadState } from '../../components/load-state.tsx';
import { Page, Section } from '../../components/page.tsx';
import { PagedTable } from '../../components/paged-table.tsx';
import { RowAction } from '../../components/row-action.tsx';
import type { Column } from '../../components/table.tsx';
import { useToast } from '../../components/toast.tsx';
import { Instant } from '../../components/values.tsx';
import { numberText } from '../../format.ts';
import { hrefTo } from '../../router/place.ts';
import type { PageProps } from '../../router/route.ts';
import { useQuery } from '../../router/use-place.tsx';
import { hooksTexts as t } from '../../texts/projects.ts';
import { trailOf } from '../places/trail.ts';

type Delivery = ItemOf<'GET /projects/{id}/hooks/{hook_id}/events'>;

const states = ['pending', 'delivered', 'dead'] as const;
const tones = { pending: 'warn', delivered: 'good', dead: 'bad' } as const;
const everyMs = 5000;

export function HookPage({ params }: PageProps) {
  const { id = '', hook: hookId = '' } = params;
  const api = useApi();
  const tell = useToast();
  const state = useListState('-id');
  const [query, change] = useQuery();
  const [resending, setResending] = useState<number>();
  const status = chosen(query.get('status'), states, undefined);
  const path = { id, hook_id: hookId };
  const hook = useAnswer('GET /projects/{id}/hooks/{hook_id}', { path });
  const deliveries = usePage(
    'GET /projects/{id}/hooks/{hook_id}/events',
    { path, query: { status, page: state.page, per_page: state.perPage } },
    everyMs,
  );
  const resend = async (delivery: Delivery) => {
    setResending(delivery.id);
    try {
      const answer = await api.call('POST /projects/{id}/hooks/{hook_id}/events/{hook_event_id}/resend', {
        path: { ...path, hook_event_id: delivery.id },
      });
      tell(answer.error === null ? t.resent(answer.response_status ?? 0) : t.resendFailed(answer.error));
    } catch (error) {
      tell(apiErrorOf(error).message);
    }
    setResending(undefined);
    deliveries.reload();
  };
  const columns: readonly Column<Delivery>[] = [
    { key: 'at', header: t.at, cell: (delivery) => <Instant at={delivery.created_at} /> },
    { key: 'trigger', header: t.trigger, cell: ({ trigger }) => t.events[trigger] },
    {
      key: 'status',
      header: t.status,
      cell: ({ status: each }) => <Badge tone={tones[each]}>{t.statuses[each]}</Badge>,
    },
    { key: 'attempts', header: t.attempts, isNumber: true, cell: ({ attempts }) => numberText(attempts) },
    {
      key: 'answer',
      header: t.answer,
      cell: ({ response_status: answered, execution_duration: seconds }) => (
        <>
          {answered ?? ''} {seconds !== null && <span class="muted">{t.seconds(numberText(seconds))}</span>}
        </>
      ),
    },
    { key: 'error', header: t.lastError, cell: ({ error }) => <span class="break">{error ?? ''}</span> },
    { key: 'details', header: t.details, cell: (delivery) => <Sent delivery={delivery} /> },
    {
      key: 'resend',
      header: t.resend,
      cell: (delivery) =>
        delivery.status !== 'pending' && (
          <RowAction
            name={t.resend}
            of={String(delivery.id)}
            isDisabled={resending !== undefined}
            onClick={() => resend(delivery)}
          />
        ),
    },
  ];
  return (
    <LoadState of={hook}>
      {({ name, url }) => (
        <Page
          title={name || url}
          intro={name ? url : undefined}
          trail={[...trailOf(id, true), { label: t.title, href: hrefTo(['projects', id], { tab: 'hooks' }) }]}
        >
          <Section
            title={t.deliveries}
            actions={
              <CheckedSelect
                label={t.status}
                value={status ?? 'all'}
                choices={[
                  ['all', t.all] as const,
                  ...states.map((each) => [each, t.statuses[each]] as const),
                ]}
                onChange={(each) => change({ status: each === 'all' ? undefined : each, page: undefined })}
              />
            }
          >
            <PagedTable
              of={deliveries}
              pages={state}
              label={t.deliveries}
              columns={columns}
              keyOf={(delivery) => delivery.id}
              empty={
                <EmptyState title={t.noDeliveries}>
                  <p>{t.noDeliveriesHint}</p>
                </EmptyState>
              }
            />
          </Section>
        </Page>
      )}
    </LoadState>
  );
}

function Sent({ delivery }: { readonly delivery: Delivery }) {
  return (
    <details>
      <summary>{t.details}</summary>
      <pre class="wrapped">{JSON.stringify(delivery.request_data, undefined, 2)}</pre>
      {delivery.response_body !== null && (
        <>
          <p class="muted">{t.body}</p>
          <pre class="wrapped">{delivery.response_body}</pre>
        </>
      )}
    </details>
  );
}
