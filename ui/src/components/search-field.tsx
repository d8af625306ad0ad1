/** Searches while one types, a moment after the last key. */
import { useEffect, useId, useState } from 'preact/hooks';

const waitMs = 300;

export function SearchField({
  label,
  value,
  onSearch,
}: {
  readonly label: string;
  readonly value: string;
  readonly onSearch: (text: string) => void;
}) {
  const id = useId();
  const [text, setText] = useState(value);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onSearch(text.trim()), waitMs);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div class="search">
      <label htmlFor={id} class="off-screen">
        {label}
      </label>
      <input
        id={id}
        type="search"
        placeholder={label}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </div>
  );
}
