/**
 * Where in the page one is, as the address says behind its `#`: a path and a query, so that it can be shared, and so that no path of the
 * server is taken, whatever is in front of it.
 */
export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
}

export type QueryChanges = Readonly<Record<string, string | undefined>>;

export function placeOf(hash: string): Place {
  const text = hash.replace(/^#/, '');
  const end = text.indexOf('?');
  const path = end === -1 ? text : text.slice(0, end);
  return {
    path: path.startsWith('/') ? path : '/',
    query: new URLSearchParams(end === -1 ? '' : text.slice(end + 1)),
  };
}

/** A link to a place. @param segments are encoded: they may be anybody's names */
export function hrefTo(segments: readonly (string | number)[], query: QueryChanges = {}): string {
  const path = `/${segments.map((each) => encodeURIComponent(String(each))).join('/')}`;
  return hrefOf({ path, query: changed(new URLSearchParams(), query) });
}

export function hrefOf({ path, query }: Place): string {
  const text = query.toString();
  return `#${path}${text === '' ? '' : `?${text}`}`;
}

/** The query with these parameters; undefined and an empty text take one away. */
export function changed(query: URLSearchParams, changes: QueryChanges): URLSearchParams {
  const result = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') result.delete(name);
    else result.set(name, value);
  }
  return result;
}

/** The parameters of a path that a pattern such as `/registries/:id` matches; undefined: it does not. */
export function match(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split('/').filter(Boolean);
  const given = path.split('/').filter(Boolean);
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const text = given[index] ?? '';
    if (part.startsWith(':')) params[part.slice(1)] = decoded(text);
    else if (part !== text) return undefined;
  }
  return params;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
