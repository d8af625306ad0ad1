/** What came of a replication rule: its runs, and the tags of one. */
import { useState } from 'preact/hooks';
import type { ItemOf } from '../../api/api.ts';
import { usePage } from '../../api/use-api.ts';
import { Badge } from '../../components/badge.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Progress } from '../../components/progress.tsx';
import { RowAction } from '../../components/row-action.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Bytes, Instant } from '../../components/values.tsx';
import { numberText } from '../../format.ts';
import { replicationTexts as t } from '../../texts/replication.ts';
import type { ReplicationRule } from './replication-dialog.tsx';

type Run = ItemOf<'GET /projects/{id}/registry/replication/rules/{rule_id}/runs'>;
type Tag = ItemOf<'GET /projects/{id}/registry/replication/rules/{rule_id}/runs/{run_id}/tags'>;

const pollMs = 3000;
const tones = {
  waiting: 'warn',
  copied: 'good',
  unchanged: 'plain',
  deleted: 'plain',
  skipped: 'warn',
  failed: 'bad',
} as const;

interface ReplicationResultsProps {
  /** Of the project. */
  readonly id: string;
  readonly rule: ReplicationRule;
  readonly onClose: () => void;
}

export function ReplicationResults({ id, rule, onClose }: ReplicationResultsProps) {
  const [shown, setShown] = useState<number>();
  const path = { id, rule_id: rule.id };
  const runs = usePage('GET /projects/{id}/registry/replication/rules/{rule_id}/runs', { path }, pollMs);
  const actions: Column<Run> = {
    key: 'actions',
    header: t.show,
    cell: (run) => <RowAction name={t.show} of={String(run.id)} onClick={() => setShown(run.id)} />,
  };
  return (
    <Dialog title={t.resultsOf(rule.name)} onClose={onClose} isWide>
      <LoadState of={runs}>
        {({ items }) => (
          <Table
            label={t.runs(rule.name)}
            columns={[...runColumns, actions]}
            rows={items}
            keyOf={(run) => run.id}
            empty={<p class="muted">{t.noRuns}</p>}
          />
        )}
      </LoadState>
      {shown !== undefined && <Tags path={{ ...path, run_id: shown }} />}
    </Dialog>
  );
}

function Tags({
  path,
}: {
  readonly path: { readonly id: string; readonly rule_id: number; readonly run_id: number };
}) {
  const tags = usePage(
    'GET /projects/{id}/registry/replication/rules/{rule_id}/runs/{run_id}/tags',
    { path, query: { per_page: 100 } },
    pollMs,
  );
  return (
    <LoadState of={tags}>
      {({ items }) => (
        <Table
          label={t.tagsOf(path.run_id)}
          columns={tagColumns}
          rows={items}
          keyOf={({ repository, tag }) => `${repository}:${tag}`}
          empty={<p class="muted">{t.noTags}</p>}
        />
      )}
    </LoadState>
  );
}

const runColumns: readonly Column<Run>[] = [
  { key: 'at', header: t.at, cell: ({ started_at }) => <Instant at={started_at} /> },
  {
    key: 'progress',
    header: t.progress,
    cell: ({ id, waiting, copied, unchanged, failed, deleted, skipped }) => {
      const done = copied + unchanged + failed + deleted + skipped;
      const counts = t.counts(
        numberText(copied),
        numberText(unchanged),
        numberText(failed),
        numberText(deleted + skipped),
      );
      return (
        <>
          <Progress done={done} total={done + waiting} label={t.progressOf(id)} />
          <p class="muted">{counts}</p>
        </>
      );
    },
  },
  { key: 'bytes', header: t.bytes, cell: ({ bytes }) => <Bytes value={bytes} />, isNumber: true },
  { key: 'reason', header: t.reason, cell: ({ reason }) => <span class="break">{reason}</span> },
];

const tagColumns: readonly Column<Tag>[] = [
  {
    key: 'tag',
    header: t.tag,
    cell: ({ repository, tag }) => (
      <code class="break">
        {repository}:{tag}
      </code>
    ),
  },
  {
    key: 'status',
    header: t.status,
    cell: ({ status }) => <Badge tone={tones[status]}>{t.statuses[status]}</Badge>,
  },
  { key: 'reason', header: t.reason, cell: ({ reason }) => <span class="break">{reason}</span> },
];
