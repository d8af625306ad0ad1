/** Names change once, by rule: snake_case in the database and on the wire, camelCase in the code. */

/** As {@link camelCase}, of a name that the type knows. */
export type CamelCase<Name> = Name extends `${infer First}_${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name;

/** What is in snake_case already stays so. */
export const snakeCase = remembering((name) =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
);

export const camelCase = remembering((name) =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
);

/** Remembering all is cheap: there are as many names as the code and its tables have. */
function remembering(change: (name: string) => string): (name: string) => string {
  const known = new Map<string, string>();
  return (name) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const changed = change(name);
    known.set(name, changed);
    return changed;
  };
}
