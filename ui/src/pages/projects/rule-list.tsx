/** Rules of one kind: a pattern and, of most, the roles that it asks for. */
import type { PageOf } from '../../api/api.ts';
import type { Loaded } from '../../api/use-api.ts';
import { Dialog } from '../../components/dialog.tsx';
import { EditedList } from '../../components/edited-list.tsx';
import { Select, TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import type { Column } from '../../components/table.tsx';
import { rulesTexts as t } from '../../texts/projects.ts';

type Level = 'maintainer' | 'owner' | 'admin';

export interface NewRule {
  readonly pattern: string;
  readonly push: string;
  readonly delete: string;
}

interface RuleListProps<R> {
  readonly title: string;
  readonly intro: string;
  /** Of the attribute on the wire. */
  readonly patternName: string;
  readonly patternHint: string;
  /** Undefined: rules of this kind hold for everybody. */
  readonly levels: readonly (Level | '')[] | undefined;
  readonly rules: Loaded<PageOf<R>>;
  readonly patternOf: (rule: R) => string;
  /** For pushing and for deleting. */
  readonly levelsOf: (rule: R) => readonly (Level | null)[];
  readonly onAdd: (rule: NewRule) => Promise<void>;
  readonly onRemove: (id: number) => Promise<void>;
}

export function RuleList<R extends { readonly id: number }>(props: RuleListProps<R>) {
  const { title, intro, levels, rules, patternOf, levelsOf, onRemove } = props;
  const levelColumns: readonly Column<R>[] = [t.push, t.delete].map((header, index) => ({
    key: header,
    header,
    cell: (rule) => levelText(levelsOf(rule)[index] ?? ''),
  }));
  const columns: readonly Column<R>[] = [
    { key: 'pattern', header: t.pattern, cell: (rule) => <code>{patternOf(rule)}</code> },
    ...(levels ? levelColumns : []),
  ];
  return (
    <EditedList
      title={title}
      intro={intro}
      of={rules}
      columns={columns}
      nameOf={patternOf}
      empty={<p class="muted">{t.empty}</p>}
      add={t.add}
      dialog={(asked) => <NewRuleDialog {...props} {...asked} />}
      removal={{
        action: t.remove,
        title: t.removeTitle,
        text: (rule) => t.removeText(patternOf(rule)),
        done: () => t.removed,
        run: ({ id }) => onRemove(id),
      }}
    />
  );
}

type NewRuleProps = Pick<
  RuleListProps<never>,
  'title' | 'patternName' | 'patternHint' | 'levels' | 'onAdd'
> & {
  readonly onSaved: () => void;
  readonly onClose: () => void;
};

function NewRuleDialog({ title, patternName, patternHint, levels, onAdd, onSaved, onClose }: NewRuleProps) {
  const choices = levels?.map((value) => ({ value, label: levelText(value) }));
  return (
    <Dialog title={title} onClose={onClose}>
      <Form
        action={t.add}
        onCancel={onClose}
        onSubmit={async (values) => {
          await onAdd({
            pattern: values.text(patternName),
            push: values.text('minimum_access_level_for_push'),
            delete: values.text('minimum_access_level_for_delete'),
          });
          onSaved();
        }}
      >
        <TextField name={patternName} label={t.pattern} hint={patternHint} isRequired hasFocus />
        {choices && (
          <>
            <Select
              name="minimum_access_level_for_push"
              label={t.push}
              choices={choices}
              value="maintainer"
            />
            <Select
              name="minimum_access_level_for_delete"
              label={t.delete}
              choices={choices}
              value="maintainer"
            />
          </>
        )}
      </Form>
    </Dialog>
  );
}

function levelText(level: Level | ''): string {
  return level === '' ? t.noLevel : t.levels[level];
}
