/** What runs from time to time. */
import type { ItemOf } from '../../api/api.ts';
import { apiErrorOf, useAnswer, useApi } from '../../api/use-api.ts';
import { Badge } from '../../components/badge.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Section } from '../../components/page.tsx';
import { RowAction } from '../../components/row-action.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { useToast } from '../../components/toast.tsx';
import { Instant } from '../../components/values.tsx';
import { durationText } from '../../format.ts';
import { adminTexts, tasksTexts as t } from '../../texts/administration.ts';

type Task = ItemOf<'GET /admin/jobs'>;

const tones = { waiting: 'plain', running: 'accent', failed: 'bad' } as const;
const everyMs = 5000;

export function Tasks() {
  const api = useApi();
  const tell = useToast();
  const tasks = useAnswer('GET /admin/jobs', {}, everyMs);
  const run = async (name: string) => {
    try {
      await api.call('POST /admin/jobs/{name}/run', { path: { name } });
      tell(t.woken(name));
    } catch (error) {
      tell(apiErrorOf(error).message);
    }
    tasks.reload();
  };
  const columns: readonly Column<Task>[] = [
    { key: 'name', header: t.name, cell: ({ name }) => <span class="code">{name}</span> },
    { key: 'every', header: t.every, cell: (task) => durationText(task.every_seconds) },
    {
      key: 'status',
      header: t.status,
      cell: ({ status, error }) => (
        <>
          <Badge tone={tones[status]}>{t.statuses[status]}</Badge>
          {error !== null && <p class="break">{error}</p>}
        </>
      ),
    },
    { key: 'last', header: t.last, cell: (task) => <Instant at={task.last_started_at} /> },
    {
      key: 'result',
      header: t.result,
      cell: ({ result }) =>
        result && (
          <span class="code break">
            {Object.entries(result)
              .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
              .join(', ')}
          </span>
        ),
    },
    { key: 'next', header: t.next, cell: (task) => <Instant at={task.next_run_at} /> },
    {
      key: 'run',
      header: t.run,
      cell: ({ name }) => <RowAction name={t.run} of={name} onClick={() => run(name)} />,
    },
  ];
  return (
    <Section title={adminTexts.tasks} intro={t.intro}>
      <LoadState of={tasks}>
        {(items) => (
          <Table label={adminTexts.tasks} columns={columns} rows={items} keyOf={({ name }) => name} />
        )}
      </LoadState>
    </Section>
  );
}
