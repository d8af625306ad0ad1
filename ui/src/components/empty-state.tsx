/** Where there is nothing yet: what would be here, and the next step. */
import type { ComponentChildren } from 'preact';

export function EmptyState({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}
