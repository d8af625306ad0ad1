/** What the server does at the moment: downloads, background work, the collector. */

import type { ItemOf } from '../../api/api.ts';
import { useAnswer } from '../../api/use-api.ts';
import { LoadState } from '../../components/load-state.tsx';
import { Section } from '../../components/page.tsx';
import { Progress } from '../../components/progress.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Bytes, Facts, Instant } from '../../components/values.tsx';
import { bytesText, numberText } from '../../format.ts';
import { overviewTexts as t } from '../../texts/overview.ts';

type Fill = ItemOf<'GET /admin/fills'>;

const fillsPollMs = 2000;
const tasksPollMs = 15_000;

export function Now() {
  const fills = useAnswer('GET /admin/fills', {}, fillsPollMs);
  const tasks = useAnswer('GET /admin/jobs', {}, tasksPollMs);
  const garbage = useAnswer('GET /admin/gc', {}, tasksPollMs);
  return (
    <Section title={t.now}>
      <h3>{t.fills}</h3>
      <LoadState of={fills}>
        {(rows) => (
          <Table
            label={t.fills}
            columns={columns}
            rows={rows}
            keyOf={({ digest }) => digest}
            empty={<p class="muted">{t.fillsNone}</p>}
          />
        )}
      </LoadState>
      <div class="card">
        <LoadState of={tasks}>
          {(all) => {
            const next = all.toSorted((one, other) => (one.next_run_at < other.next_run_at ? -1 : 1))[0];
            const countOf = (status: string) =>
              numberText(all.filter((each) => each.status === status).length);
            return (
              <Facts
                of={[
                  [t.tasks, t.tasksText(countOf('running'), countOf('failed'))],
                  [
                    t.nextTask,
                    next && (
                      <span>
                        {next.name} <Instant at={next.next_run_at} />
                      </span>
                    ),
                  ],
                ]}
              />
            );
          }}
        </LoadState>
        <LoadState of={garbage}>
          {({ queues, removed }) => {
            const all = Object.values(queues);
            const sumOf = (name: 'due' | 'length') => all.reduce((sum, queue) => sum + queue[name], 0);
            return (
              <Facts
                of={[
                  [t.collector, t.collectorText(numberText(sumOf('due')), numberText(sumOf('length')))],
                  [t.freed, t.removed(bytesText(removed.bytes))],
                ]}
              />
            );
          }}
        </LoadState>
      </div>
    </Section>
  );
}

const columns: readonly Column<Fill>[] = [
  {
    key: 'repository',
    header: t.repository,
    cell: ({ repository, digest }) => (
      <span class="break" title={digest}>
        {repository ?? digest}
      </span>
    ),
  },
  {
    key: 'progress',
    header: t.progress,
    cell: ({ received_bytes, size, repository, digest }) => (
      <span class="actions">
        <Progress done={received_bytes} total={size ?? undefined} label={repository ?? digest} />
        <Bytes value={received_bytes} />
      </span>
    ),
  },
  { key: 'readers', header: t.readers, cell: ({ readers }) => numberText(readers), isNumber: true },
];
