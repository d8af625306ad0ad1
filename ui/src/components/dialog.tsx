/** A native dialog: it keeps the focus inside, closes by Escape, and gives the focus back to where it was. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api/api-error.ts';
import { apiErrorOf } from '../api/use-api.ts';
import { shell } from '../texts/shell.ts';
import { Failure } from './notice.tsx';

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly isWide?: boolean;
  readonly children: ComponentChildren;
}

/** Open for as long as it is shown. */
export function Dialog({ title, onClose, isWide = false, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} class={isWide ? 'wide' : undefined} onClose={onClose}>
      <header class="dialog-header">
        <h2 id={id}>{title}</h2>
        <button type="button" class="link" aria-label={shell.close} onClick={() => dialog.current?.close()}>
          ✕
        </button>
      </header>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  readonly title: string;
  /** What it will do. */
  readonly children: ComponentChildren;
  readonly action: string;
  readonly onConfirm: () => Promise<void>;
  readonly onClose: () => void;
  /** To be typed first, where it cannot be undone. */
  readonly name?: string;
}

export function Confirm({ title, children, action, onConfirm, onClose, name }: ConfirmProps) {
  const [typed, setTyped] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const id = useId();
  const confirm = async (event: Event) => {
    event.preventDefault();
    if (isBusy || (name !== undefined && typed !== name)) return;
    setBusy(true);
    setError(undefined);
    try {
      await onConfirm();
      onClose();
    } catch (failure) {
      setError(apiErrorOf(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={confirm}>
        {children}
        {name !== undefined && (
          <div class="field">
            <label htmlFor={id}>{shell.typeName(name)}</label>
            <input
              id={id}
              autocomplete="off"
              spellcheck={false}
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </div>
        )}
        {error && <Failure error={error} />}
        <div class="form-actions">
          <button type="submit" class="danger" disabled={isBusy || (name !== undefined && typed !== name)}>
            {isBusy ? shell.working : action}
          </button>
          <button type="button" onClick={onClose}>
            {shell.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
