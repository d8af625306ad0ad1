/** What is asked for, once it is here: until then that it is on its way, or why it is not. */
import type { ComponentChildren } from 'preact';
import type { Loaded } from '../api/use-api.ts';
import { Loading } from './loading.tsx';
import { Failure } from './notice.tsx';

export function LoadState<T>({
  of,
  children,
}: {
  readonly of: Loaded<T>;
  readonly children: (data: T) => ComponentChildren;
}) {
  const { data, error, reload } = of;
  return (
    <>
      {error && <Failure error={error} onRetry={reload} />}
      {data !== undefined ? children(data) : !error && <Loading />}
    </>
  );
}
