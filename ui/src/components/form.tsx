/** A form that says the API's own words beside what they are about, and is busy while it is sent. */
import { type ComponentChildren, createContext } from 'preact';
import { useContext, useId, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api/api-error.ts';
import { apiErrorOf } from '../api/use-api.ts';
import { shell } from '../texts/shell.ts';
import { Failure } from './notice.tsx';

const FaultsContext = createContext<Readonly<Record<string, string>>>({});

/** What was filled in, by the names of the fields. */
export class FormValues {
  readonly #data: FormData;

  constructor(data: FormData) {
    this.#data = data;
  }

  text(name: string): string {
    const value = this.#data.get(name);
    return typeof value === 'string' ? value.trim() : '';
  }

  /** As it was typed, with its spaces. */
  secret(name: string): string {
    const value = this.#data.get(name);
    return typeof value === 'string' ? value : '';
  }

  /** Undefined where nothing is filled in. */
  optional(name: string): string | undefined {
    return this.text(name) || undefined;
  }

  number(name: string): number | undefined {
    const text = this.text(name);
    return text === '' ? undefined : Number(text);
  }

  checked(name: string): boolean {
    return this.#data.has(name);
  }

  /** Those of the choices that are checked. */
  among<T extends string>(name: string, choices: readonly T[]): T[] {
    const given = this.#data.getAll(name);
    return choices.filter((each) => given.includes(each));
  }

  lines(name: string): string[] {
    return this.text(name)
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean);
  }
}

interface FormProps {
  readonly action: string;
  readonly onSubmit: (values: FormValues) => Promise<void>;
  readonly onCancel?: () => void;
  readonly children: ComponentChildren;
}

export function Form({ action, onSubmit, onCancel, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const submit = async (event: Event) => {
    event.preventDefault();
    if (isBusy || !form.current) return;
    setBusy(true);
    setError(undefined);
    try {
      await onSubmit(new FormValues(new FormData(form.current)));
    } catch (failure) {
      setError(apiErrorOf(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form ref={form} onSubmit={submit}>
      <FaultsContext.Provider value={error?.faults ?? {}}>{children}</FaultsContext.Provider>
      {error && <Failure error={error} />}
      <div class="form-actions">
        <button type="submit" class="primary" disabled={isBusy}>
          {isBusy ? shell.working : action}
        </button>
        {onCancel && (
          <button type="button" onClick={onCancel}>
            {shell.cancel}
          </button>
        )}
      </div>
    </form>
  );
}

export interface FieldProps {
  /** Of the attribute on the wire. */
  readonly name: string;
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly isRequired?: boolean;
}

/** A label, a control, what it is for, and what is wrong with it. */
export function Field({
  name,
  label,
  hint,
  children,
}: FieldProps & {
  readonly children: (attributes: {
    readonly id: string;
    readonly name: string;
    readonly 'aria-describedby'?: string;
    readonly 'aria-invalid'?: boolean;
  }) => ComponentChildren;
}) {
  const id = useId();
  const fault = useContext(FaultsContext)[name];
  const described = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        name,
        ...(described && { 'aria-describedby': described }),
        ...(fault && { 'aria-invalid': true }),
      })}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {fault && (
        <p class="fault" id={`${id}-fault`}>
          {fault}
        </p>
      )}
    </div>
  );
}
