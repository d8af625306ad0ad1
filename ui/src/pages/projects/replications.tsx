/** The rules of a project that copy tags to other registries, or from them. */
import { useState } from 'preact/hooks';
import { apiErrorOf, useApi, usePage } from '../../api/use-api.ts';
import { Badge } from '../../components/badge.tsx';
import { EditedList } from '../../components/edited-list.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { RowAction } from '../../components/row-action.tsx';
import type { Column } from '../../components/table.tsx';
import { useToast } from '../../components/toast.tsx';
import { replicationTexts as t } from '../../texts/replication.ts';
import { ReplicationDialog, type ReplicationRule } from './replication-dialog.tsx';
import { ReplicationResults } from './replication-results.tsx';

export function Replications({ id }: { readonly id: string }) {
  const api = useApi();
  const tell = useToast();
  const [shown, setShown] = useState<ReplicationRule>();
  const rules = usePage('GET /projects/{id}/registry/replication/rules', { path: { id } });
  const run = async (rule: ReplicationRule) => {
    try {
      await api.call('POST /projects/{id}/registry/replication/rules/{rule_id}/run', {
        path: { id, rule_id: rule.id },
      });
      tell(t.started);
      setShown(rule);
    } catch (error) {
      tell(apiErrorOf(error).message);
    }
  };
  const results: Column<ReplicationRule> = {
    key: 'results',
    header: t.actions,
    cell: (rule) => (
      <span class="actions">
        <RowAction name={t.results} of={rule.name} onClick={() => setShown(rule)} />
        <RowAction name={t.run} of={rule.name} isDisabled={!rule.enabled} onClick={() => run(rule)} />
      </span>
    ),
  };
  return (
    <>
      <EditedList
        title={t.title}
        intro={t.intro}
        of={rules}
        columns={[...columns, results]}
        nameOf={({ name }) => name}
        empty={
          <EmptyState title={t.empty}>
            <p>{t.emptyHint}</p>
          </EmptyState>
        }
        add={t.add}
        canChange
        dialog={({ row, ...asked }) => <ReplicationDialog id={id} rule={row} {...asked} />}
        removal={{
          action: t.remove,
          title: t.removeTitle,
          text: ({ name }) => t.removeText(name),
          done: () => t.removed,
          run: ({ id: rule_id }) =>
            api.call('DELETE /projects/{id}/registry/replication/rules/{rule_id}', { path: { id, rule_id } }),
        }}
      />
      {shown && <ReplicationResults id={id} rule={shown} onClose={() => setShown(undefined)} />}
    </>
  );
}

const columns: readonly Column<ReplicationRule>[] = [
  {
    key: 'name',
    header: t.name,
    cell: ({ name, url, direction }) => (
      <>
        {name}
        <p class="muted break">
          {t.directions[direction]}: {url}
        </p>
      </>
    ),
  },
  { key: 'tags', header: t.tags, cell: ({ tag_regex }) => <code class="break">{tag_regex}</code> },
  { key: 'trigger', header: t.trigger, cell: ({ trigger }) => t.triggers[trigger] },
  {
    key: 'state',
    header: t.state,
    cell: ({ enabled }) => <Badge tone={enabled ? 'good' : 'warn'}>{enabled ? t.isOn : t.isOff}</Badge>,
  },
];
