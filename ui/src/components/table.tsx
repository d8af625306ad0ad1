/** A table made for reading: sorted, paged and selected by the address, and a list of cards where there is little room. */
import type { ComponentChildren } from 'preact';
import { shell } from '../texts/shell.ts';
import type { ListState } from './list-state.ts';

export interface Column<R> {
  readonly key: string;
  readonly header: string;
  readonly cell: (row: R) => ComponentChildren;
  /** What the API sorts by; undefined: it cannot be sorted. */
  readonly sort?: string;
  readonly isNumber?: boolean;
}

export interface TableProps<R> {
  /** What it lists, for those who do not see it. */
  readonly label: string;
  readonly columns: readonly Column<R>[];
  readonly rows: readonly R[];
  readonly keyOf: (row: R) => string | number;
  readonly state?: ListState;
  /** Whether rows can be selected; needs a state. */
  readonly isSelectable?: boolean;
  /** What is shown where there are no rows. */
  readonly empty?: ComponentChildren;
}

export function Table<R>({ label, columns, rows, keyOf, state, isSelectable = false, empty }: TableProps<R>) {
  if (rows.length === 0 && empty) return <>{empty}</>;
  const keys = rows.map((row) => String(keyOf(row)));
  const areAll = state !== undefined && keys.every((key) => state.selected.has(key));
  return (
    <table class="table" role="table" aria-label={label}>
      <thead role="rowgroup">
        <tr role="row">
          {isSelectable && state && (
            <th role="columnheader" class="select">
              <input
                type="checkbox"
                aria-label={shell.selectAll}
                checked={areAll}
                onChange={() => state.select(areAll ? [] : keys)}
              />
            </th>
          )}
          {columns.map((column) => (
            <Header key={column.key} column={column} state={state} />
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row, index) => {
          const key = keys[index] ?? '';
          const isSelected = state?.selected.has(key) ?? false;
          return (
            <tr key={key} role="row" class={isSelected ? 'selected' : undefined}>
              {isSelectable && state && (
                <td role="cell" class="select">
                  <input
                    type="checkbox"
                    aria-label={shell.selectRow(key)}
                    checked={isSelected}
                    onChange={() => state.toggle(key)}
                  />
                </td>
              )}
              {columns.map((column) => (
                <td
                  key={column.key}
                  role="cell"
                  data-label={column.header}
                  class={column.isNumber ? 'number' : undefined}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Header<R>({ column, state }: { readonly column: Column<R>; readonly state: ListState | undefined }) {
  const { header, sort, isNumber } = column;
  const isSorted = sort !== undefined && state?.sort === sort;
  const direction = isSorted && state ? (state.isDescending ? 'descending' : 'ascending') : undefined;
  return (
    <th role="columnheader" scope="col" class={isNumber ? 'number' : undefined} aria-sort={direction}>
      {sort === undefined || !state ? (
        header
      ) : (
        <button type="button" class="sort" onClick={() => state.sortBy(sort)}>
          {header}
          <span aria-hidden="true">
            {direction === 'descending' ? ' ↓' : direction === 'ascending' ? ' ↑' : ''}
          </span>
        </button>
      )}
    </th>
  );
}

/** Leads to the other pages of a list, where there are any. */
export function Pager({
  state,
  total,
  hasNext,
}: {
  readonly state: ListState;
  readonly total: number | undefined;
  readonly hasNext: boolean;
}) {
  const { page, perPage } = state;
  if (page === 1 && !hasNext) return null;
  const pages = total === undefined ? undefined : Math.max(1, Math.ceil(total / perPage));
  return (
    <nav class="pager" aria-label={shell.pages}>
      <button type="button" disabled={page <= 1} onClick={() => state.goToPage(page - 1)}>
        {shell.previous}
      </button>
      <span>{shell.pageOf(page, pages)}</span>
      <button type="button" disabled={!hasNext} onClick={() => state.goToPage(page + 1)}>
        {shell.next}
      </button>
    </nav>
  );
}
