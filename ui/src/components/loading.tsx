/** Something is on its way. It shows after a moment, so that what is quick does not flicker. */
import { shell } from '../texts/shell.ts';

export function Loading({ label = shell.loading }: { readonly label?: string }) {
  return (
    <p class="loading" role="status">
      <span class="spinner" aria-hidden="true" />
      {label}
    </p>
  );
}
