/** A list whose things are added, changed and removed one by one. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { PageOf } from '../api/api.ts';
import type { Loaded } from '../api/use-api.ts';
import { shell } from '../texts/shell.ts';
import { Confirm } from './dialog.tsx';
import type { ListState } from './list-state.ts';
import { LoadState } from './load-state.tsx';
import { Section } from './page.tsx';
import { RowAction } from './row-action.tsx';
import { type Column, Pager, Table } from './table.tsx';
import { useToast } from './toast.tsx';

export interface EditedListProps<R> {
  readonly title: string;
  readonly intro: string;
  readonly of: Loaded<PageOf<R>>;
  /** Where in the list one is, where it has pages. */
  readonly pages?: ListState;
  readonly columns: readonly Column<R>[];
  readonly nameOf: (row: R) => string;
  readonly empty: ComponentChildren;
  /** False: whoever looks may change nothing. */
  readonly isEditable?: boolean;
  readonly add: string;
  /** What asks for a new one, or for what changes of one. */
  readonly dialog: (asked: {
    /** Undefined: a new one. */
    readonly row: R | undefined;
    readonly onClose: () => void;
    readonly onSaved: () => void;
  }) => ComponentChildren;
  readonly canChange?: boolean;
  readonly removal: {
    readonly action: string;
    readonly title: string;
    readonly text: (row: R) => string;
    readonly done: (row: R) => string;
    readonly run: (row: R) => Promise<unknown>;
    /** Undefined: all can be removed. */
    readonly isFor?: (row: R) => boolean;
  };
}

export function EditedList<R extends { readonly id: number }>(props: EditedListProps<R>) {
  const { title, of, pages, nameOf, isEditable = true, canChange = false, removal } = props;
  const tell = useToast();
  const [editing, setEditing] = useState<R | 'new'>();
  const [removing, setRemoving] = useState<R>();
  const close = () => setEditing(undefined);
  const actions: Column<R> = {
    key: 'actions',
    header: canChange ? shell.edit : removal.action,
    cell: (row) => (
      <span class="actions">
        {canChange && <RowAction name={shell.edit} of={nameOf(row)} onClick={() => setEditing(row)} />}
        {removal.isFor?.(row) !== false && (
          <RowAction name={removal.action} of={nameOf(row)} onClick={() => setRemoving(row)} />
        )}
      </span>
    ),
  };
  return (
    <Section
      title={title}
      intro={props.intro}
      actions={
        isEditable && (
          <button
            type="button"
            class="primary"
            aria-label={`${props.add}: ${title}`}
            onClick={() => setEditing('new')}
          >
            {props.add}
          </button>
        )
      }
    >
      <LoadState of={of}>
        {({ items, total, hasNext }) => (
          <>
            <Table
              label={title}
              columns={isEditable ? [...props.columns, actions] : props.columns}
              rows={items}
              keyOf={({ id }) => id}
              empty={props.empty}
            />
            {pages && <Pager state={pages} total={total} hasNext={hasNext} />}
          </>
        )}
      </LoadState>
      {editing &&
        props.dialog({
          row: editing === 'new' ? undefined : editing,
          onClose: close,
          onSaved() {
            close();
            of.reload();
          },
        })}
      {removing && (
        <Confirm
          title={removal.title}
          action={removal.action}
          onClose={() => setRemoving(undefined)}
          onConfirm={async () => {
            await removal.run(removing);
            tell(removal.done(removing));
            of.reload();
          }}
        >
          <p class="break">{removal.text(removing)}</p>
        </Confirm>
      )}
    </Section>
  );
}
