/** A sentence that matters, with what to do. */
import type { ComponentChildren } from 'preact';
import type { ApiError } from '../api/api-error.ts';
import { shell } from '../texts/shell.ts';

export type NoticeKind = 'info' | 'good' | 'warn' | 'bad';

export function Notice({
  kind,
  children,
}: {
  readonly kind: NoticeKind;
  readonly children: ComponentChildren;
}) {
  return (
    <div class={`notice ${kind}`} role={kind === 'bad' ? 'alert' : undefined}>
      {children}
    </div>
  );
}

/** What the API said, and a way to try it again. */
export function Failure({ error, onRetry }: { readonly error: ApiError; readonly onRetry?: () => void }) {
  const hint = shell.hints.get(error.status);
  return (
    <Notice kind="bad">
      <p>{error.message}</p>
      {hint && <p class="muted">{hint}</p>}
      {onRetry && (
        <button type="button" onClick={onRetry}>
          {shell.retry}
        </button>
      )}
    </Notice>
  );
}
