/** The collector: what waits for it, what it did, and why something stays. */
import type { Answer } from '../../api/api.ts';
import { apiErrorOf, useAnswer, useApi } from '../../api/use-api.ts';
import { LoadState } from '../../components/load-state.tsx';
import { Section } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { useToast } from '../../components/toast.tsx';
import { Bytes, Instant } from '../../components/values.tsx';
import { numberText } from '../../format.ts';
import { adminTexts, collectorTexts as t } from '../../texts/administration.ts';
import { WhyKept } from './why-kept.tsx';

type State = Answer<'GET /admin/gc'>;
type Run = State['last_runs'][number];

const kinds = ['manifests', 'links', 'blobs', 'payloads'] as const;
type Kind = (typeof kinds)[number];
const everyMs = 5000;

export function Collector() {
  const api = useApi();
  const tell = useToast();
  const state = useAnswer('GET /admin/gc', {}, everyMs);
  const run = async () => {
    try {
      await api.call('POST /admin/gc', {});
      tell(t.woken);
    } catch (error) {
      tell(apiErrorOf(error).message);
    }
  };
  return (
    <>
      <Section
        title={adminTexts.collector}
        intro={t.intro}
        actions={
          <button type="button" onClick={run}>
            {t.run}
          </button>
        }
      >
        <LoadState of={state}>
          {(found) => (
            <>
              <Queues state={found} />
              <h3>{t.runs}</h3>
              <Table
                label={t.runs}
                columns={runColumns}
                rows={found.last_runs}
                keyOf={({ started_at: at }) => at}
                empty={<p class="muted">{t.noRuns}</p>}
              />
            </>
          )}
        </LoadState>
      </Section>
      <WhyKept />
    </>
  );
}

function Queues({ state: { queues, removed } }: { readonly state: State }) {
  const columns: readonly Column<Kind>[] = [
    { key: 'kind', header: t.kind, cell: (kind) => t.queues[kind] },
    { key: 'length', header: t.length, isNumber: true, cell: (kind) => numberText(queues[kind].length) },
    { key: 'due', header: t.due, isNumber: true, cell: (kind) => numberText(queues[kind].due) },
    { key: 'failing', header: t.failing, isNumber: true, cell: (kind) => numberText(queues[kind].failing) },
    { key: 'oldest', header: t.oldest, cell: (kind) => <Instant at={queues[kind].oldest_due_at} never="" /> },
    { key: 'removed', header: t.removed, isNumber: true, cell: (kind) => numberText(removed[kind]) },
    {
      key: 'bytes',
      header: t.bytes,
      isNumber: true,
      cell: (kind) => kind === 'blobs' && <Bytes value={removed.bytes} />,
    },
  ];
  return <Table label={t.queue} columns={columns} rows={kinds} keyOf={(kind) => kind} />;
}

const runColumns: readonly Column<Run>[] = [
  { key: 'at', header: t.started, cell: (run) => <Instant at={run.started_at} /> },
  { key: 'reviewed', header: t.reviewed, isNumber: true, cell: (run) => numberText(run.reviewed) },
  ...kinds.map((kind) => ({
    key: kind,
    header: t.queues[kind],
    isNumber: true,
    cell: (run: Run) => numberText(run[kind]),
  })),
  { key: 'bytes', header: t.bytes, isNumber: true, cell: (run) => <Bytes value={run.bytes} /> },
  { key: 'failed', header: t.failing, isNumber: true, cell: (run) => numberText(run.failed) },
];
