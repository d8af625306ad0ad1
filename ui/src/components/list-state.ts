/** How a list is looked at, kept in the address so that it can be shared: search, sort, page, and what is selected. */
import { useQuery } from '../router/use-place.tsx';

export interface ListState {
  readonly search: string;
  readonly sort: string;
  readonly isDescending: boolean;
  /** From 1. */
  readonly page: number;
  readonly perPage: number;
  readonly selected: ReadonlySet<string>;
  searchFor(text: string): void;
  /** By this, or the other way round where it is sorted so already. */
  sortBy(name: string): void;
  goToPage(page: number): void;
  select(keys: readonly string[]): void;
  toggle(key: string): void;
}

/** @param defaultSort with a minus before it where the greatest comes first */
export function useListState(defaultSort: string, perPage = 50): ListState {
  const [query, change] = useQuery();
  const written = query.get('sort') ?? defaultSort;
  const isDescending = written.startsWith('-');
  const sort = written.replace(/^-/, '');
  const selected = new Set(
    query
      .getAll('selected')
      .flatMap((text) => text.split(','))
      .filter(Boolean),
  );
  const select = (keys: readonly string[]) => change({ selected: keys.join(',') });
  return {
    search: query.get('search') ?? '',
    sort,
    isDescending,
    page: Math.max(1, Math.floor(Number(query.get('page') ?? 1)) || 1),
    perPage,
    selected,
    searchFor: (text) => change({ search: text, page: undefined, selected: undefined }),
    sortBy: (name) =>
      change({
        sort: name === sort && !isDescending ? `-${name}` : name,
        page: undefined,
        selected: undefined,
      }),
    goToPage: (page) => change({ page: page === 1 ? undefined : String(page), selected: undefined }),
    select,
    toggle: (key) =>
      select(selected.has(key) ? [...selected].filter((each) => each !== key) : [...selected, key]),
  };
}
