/** Headers that endpoints may be given: none of those that say how a request is sent, and none of ours. */
const taken = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
]);

export function isHeaderName(name: string): boolean {
  const lower = name.toLowerCase();
  return isFieldName(name) && !taken.has(lower) && !lower.startsWith('x-entrepot-');
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-5.1 */
export function isFieldName(name: string): boolean {
  return /^[!#$%&'*+.^`|~\w-]{1,255}$/.test(name);
}

/** Whether HTTP lets the text stand in a header. */
export function isHeaderValue(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}
