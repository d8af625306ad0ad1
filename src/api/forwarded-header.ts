/** The header in which proxies say with whom they spoke, and how. https://www.rfc-editor.org/rfc/rfc7239#section-4 */

/** What one proxy says of who asked it; names in lower case. */
export type ForwardedElement = Readonly<Partial<Record<string, string>>>;

const spacePattern = /[ \t]*/y;
/** A value may have more than the RFC allows without quotes, as proxies write addresses with colons and brackets. */
const pairPattern = /([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))/y;
const separatorPattern = /[,;]/y;

/** The elements in the order in which the proxies wrote them; empty where the header is malformed, since nobody knows then who said what. */
export function parseForwarded(header: string): readonly ForwardedElement[] {
  const elements: Record<string, string>[] = [];
  let element: Record<string, string> = {};
  let at = 0;
  // Each pattern begins where the one before ended, and none goes back: what it costs grows with the header alone.
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const found = pattern.exec(header);
    at += found?.[0].length ?? 0;
    return found;
  };
  for (;;) {
    take(spacePattern);
    const [, name, quoted, plain = ''] = take(pairPattern) ?? [];
    if (name !== undefined) element[name.toLowerCase()] ??= quoted?.replace(/\\(.)/g, '$1') ?? plain;
    take(spacePattern);
    const separator = take(separatorPattern)?.[0];
    if (separator === ';') continue;
    if (Object.keys(element).length > 0) elements.push(element);
    if (separator === undefined) return at === header.length ? elements : [];
    element = {};
  }
}
