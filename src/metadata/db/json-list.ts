/** Lists of texts as the JSON that one column holds. */
export function toJsonList(texts: readonly string[]): string {
  return JSON.stringify(texts);
}

export function fromJsonList(json: string): readonly string[] {
  const value: unknown = JSON.parse(json);
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
