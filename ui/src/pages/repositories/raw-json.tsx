/** A document as it was pushed, laid out to be read; it is asked for when somebody looks. */
import { useState } from 'preact/hooks';
import { useLoaded } from '../../api/use-api.ts';
import { CopyButton } from '../../components/copy-button.tsx';
import { LoadState } from '../../components/load-state.tsx';

interface RawJsonProps {
  readonly label: string;
  /** What it is the text of. */
  readonly of: string;
  readonly load: (signal: AbortSignal) => Promise<string>;
}

export function RawJson({ label, of, load }: RawJsonProps) {
  const [isOpen, setOpen] = useState(false);
  const text = useLoaded(isOpen ? `${label} ${of}` : undefined, load);
  return (
    <details class="card" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {label} <span class="code muted break">{of}</span>
      </summary>
      {isOpen && (
        <LoadState of={text}>
          {(raw) => (
            <>
              <CopyButton text={raw} />
              <pre class="raw" tabIndex={0} role="region" aria-label={label}>
                {laidOut(raw)}
              </pre>
            </>
          )}
        </LoadState>
      )}
    </details>
  );
}

/** What is no JSON is shown as it is. */
function laidOut(raw: string): string {
  try {
    return JSON.stringify(JSON.parse(raw), undefined, 2);
  } catch {
    return raw;
  }
}
