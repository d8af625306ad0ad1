/** How far something is; without a total, only that it goes on. */
import { percentText } from '../format.ts';

export function Progress({
  done,
  total,
  label,
}: {
  readonly done: number;
  readonly total: number | undefined;
  readonly label: string;
}) {
  const share = total ? Math.min(done / total, 1) : undefined;
  return (
    <span class="progress">
      <progress max={1} value={share} aria-label={label} />
      <span class="number">{share === undefined ? '' : percentText(share)}</span>
    </span>
  );
}
