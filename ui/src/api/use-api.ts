/** What pages know of the server: who is signed in, and how to ask and to change. */
import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useState } from 'preact/hooks';
import type { Answer, Api, Given, ItemOf, ListOperation, Operation, PageOf } from './api.ts';
import { ApiError } from './api-error.ts';
import type { Session } from './session.ts';

export interface Connection {
  readonly api: Api;
  readonly session: Session;
}

export const ConnectionContext = createContext<Connection | undefined>(undefined);

export function useConnection(): Connection {
  const connection = useContext(ConnectionContext);
  if (!connection) throw new Error('nobody is signed in');
  return connection;
}

export function useApi(): Api {
  return useConnection().api;
}

export interface Loaded<T> {
  /** The last answer; it stays while another is on its way. */
  readonly data: T | undefined;
  readonly error: ApiError | undefined;
  readonly isLoading: boolean;
  reload(): void;
}

/**
 * Asks when it is first shown, when `key` changes, and every so often while the page is looked at.
 * @param key says what is asked for; undefined: nothing yet
 */
export function useLoaded<T>(
  key: string | undefined,
  load: (signal: AbortSignal) => Promise<T>,
  everyMs?: number,
): Loaded<T> {
  const [state, setState] = useState<{ readonly key?: string; readonly data?: T; readonly error?: ApiError }>(
    {},
  );
  const [round, setRound] = useState(0);
  const [isLoading, setLoading] = useState(key !== undefined);
  const reload = useCallback(() => setRound((last) => last + 1), []);
  // What is asked for is said by the key: `load` is another function each time.
  useEffect(() => {
    if (key === undefined) return;
    const abort = new AbortController();
    setLoading(true);
    load(abort.signal)
      .then(
        (data) => abort.signal.aborted || setState({ key, data }),
        (error: unknown) => {
          if (!abort.signal.aborted) setState((last) => ({ ...last, error: apiErrorOf(error) }));
        },
      )
      .finally(() => abort.signal.aborted || setLoading(false));
    return () => abort.abort();
  }, [key, round]);
  useEffect(() => {
    if (everyMs === undefined) return;
    const timer = setInterval(() => document.visibilityState === 'visible' && reload(), everyMs);
    return () => clearInterval(timer);
  }, [everyMs, reload]);
  return { data: state.data, error: state.error, isLoading, reload };
}

export function apiErrorOf(error: unknown): ApiError {
  return error instanceof ApiError
    ? error
    : new ApiError(0, error instanceof Error ? error.message : String(error));
}

/** @param given undefined: nothing is asked for yet */
export function useAnswer<K extends Operation>(
  operation: K,
  given: Given<K> | undefined,
  everyMs?: number,
): Loaded<Answer<K>> {
  const api = useApi();
  const key = given && `${operation} ${JSON.stringify(given)}`;
  return useLoaded(key, (signal) => (given ? api.call(operation, given, signal) : Promise.reject()), everyMs);
}

export function usePage<K extends ListOperation>(
  operation: K,
  given: Given<K> | undefined,
  everyMs?: number,
): Loaded<PageOf<ItemOf<K>>> {
  const api = useApi();
  const key = given && `${operation} ${JSON.stringify(given)}`;
  return useLoaded(key, (signal) => (given ? api.page(operation, given, signal) : Promise.reject()), everyMs);
}
