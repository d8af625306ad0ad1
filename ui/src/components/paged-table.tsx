/** One page of a list as a table, with the way to the others below it. */
import type { PageOf } from '../api/api.ts';
import type { Loaded } from '../api/use-api.ts';
import type { ListState } from './list-state.ts';
import { LoadState } from './load-state.tsx';
import { Pager, Table, type TableProps } from './table.tsx';

interface PagedTableProps<R> extends Omit<TableProps<R>, 'rows'> {
  readonly of: Loaded<PageOf<R>>;
  /** Where in the list one is; what sorts and selects is the table's own `state`. */
  readonly pages: ListState;
}

export function PagedTable<R>({ of, pages, ...table }: PagedTableProps<R>) {
  return (
    <LoadState of={of}>
      {({ items, total, hasNext }) => (
        <>
          <Table {...table} rows={items} />
          <Pager state={pages} total={total} hasNext={hasNext} />
        </>
      )}
    </LoadState>
  );
}
