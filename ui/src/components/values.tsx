/** Quantities and instants, as the reader's language writes them. */
import { bytesText, instantText, relativeText } from '../format.ts';
import { shell } from '../texts/shell.ts';

export function Bytes({ value }: { readonly value: number | null | undefined }) {
  return (
    <span class="number">{value === null || value === undefined ? shell.unknown : bytesText(value)}</span>
  );
}

/** How long ago, or when; the instant itself on pointing at it. */
export function Instant({
  at,
  never = shell.never,
}: {
  readonly at: string | null | undefined;
  readonly never?: string;
}) {
  if (!at) return <span class="muted">{never}</span>;
  return (
    <time dateTime={at} title={instantText(at)}>
      {relativeText(at, Date.now())}
    </time>
  );
}

/** Names and values, such as what one thing is. */
export function Facts({ of }: { readonly of: readonly (readonly [string, preact.ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
