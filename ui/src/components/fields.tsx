/** The controls of forms. */
import { useId } from 'preact/hooks';
import { Field, type FieldProps } from './form.tsx';

/** Each apart, as their types have it. */
const inputs = {
  text: { type: 'text' },
  password: { type: 'password' },
  number: { type: 'number' },
  url: { type: 'url' },
  date: { type: 'date' },
  email: { type: 'email' },
} as const;

interface TextFieldProps extends FieldProps {
  readonly type?: keyof typeof inputs;
  readonly value?: string | number | null | undefined;
  readonly placeholder?: string;
  readonly autocomplete?: string;
  readonly min?: number;
  readonly max?: number;
  readonly hasFocus?: boolean;
  /** In place of sending the form. */
  readonly onEnter?: () => void;
}

export function TextField({
  type = 'text',
  value,
  placeholder,
  autocomplete = 'off',
  min,
  max,
  hasFocus,
  onEnter,
  isRequired,
  ...field
}: TextFieldProps) {
  return (
    <Field {...field}>
      {(attributes) => (
        <input
          {...attributes}
          {...inputs[type]}
          defaultValue={value === null || value === undefined ? '' : String(value)}
          placeholder={placeholder}
          autocomplete={autocomplete}
          spellcheck={false}
          min={min}
          max={max}
          required={isRequired}
          autofocus={hasFocus}
          onKeyDown={(event) => {
            if (!onEnter || event.key !== 'Enter') return;
            event.preventDefault();
            onEnter();
          }}
        />
      )}
    </Field>
  );
}

export function TextArea({
  value,
  rows = 3,
  isRequired,
  ...field
}: FieldProps & { readonly value?: string | undefined; readonly rows?: number }) {
  return (
    <Field {...field}>
      {(attributes) => (
        <textarea
          {...attributes}
          rows={rows}
          spellcheck={false}
          defaultValue={value ?? ''}
          required={isRequired}
        />
      )}
    </Field>
  );
}

export interface Choice {
  readonly value: string;
  readonly label: string;
}

export function Select({
  choices,
  value,
  onChange,
  ...field
}: FieldProps & {
  readonly choices: readonly Choice[];
  readonly value?: string | undefined;
  readonly onChange?: (value: string) => void;
}) {
  return (
    <Field {...field}>
      {(attributes) => (
        <select {...attributes} onChange={(event) => onChange?.(event.currentTarget.value)}>
          {choices.map(({ value: each, label }) => (
            <option key={each} value={each} selected={each === value}>
              {label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** Any of several choices; read by {@link FormValues.among}. */
export function CheckBoxes<T extends string>({
  name,
  legend,
  choices,
  labels,
  hints,
  checked,
}: {
  readonly name: string;
  readonly legend: string;
  readonly choices: readonly T[];
  /** Undefined: choices are called as they are. */
  readonly labels?: Readonly<Record<T, string>>;
  readonly hints?: Readonly<Record<T, string>>;
  readonly checked: readonly T[];
}) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      {choices.map((each) => (
        <CheckBox
          key={each}
          name={name}
          value={each}
          label={labels?.[each] ?? each}
          hint={hints?.[each]}
          isChecked={checked.includes(each)}
        />
      ))}
    </fieldset>
  );
}

export function CheckBox({
  name,
  label,
  hint,
  value,
  isChecked = false,
}: FieldProps & { readonly value?: string; readonly isChecked?: boolean }) {
  const id = useId();
  return (
    <div class="field check">
      <input
        id={id}
        type="checkbox"
        name={name}
        value={value ?? 'true'}
        defaultChecked={isChecked}
        aria-describedby={hint ? `${id}-hint` : undefined}
      />
      <label htmlFor={id}>{label}</label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
