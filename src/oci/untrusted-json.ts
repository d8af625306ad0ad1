/** Takes out of JSON that anyone may have written what has the expected shape, in bounds, and leaves the rest. */

import { JsonError, scanJson } from './json-scan.ts';

export type JsonRecord = Readonly<Record<string, unknown>>;

/** Of one map of labels or annotations. */
const maxTexts = 500;
const maxNameLength = 512;
/** Longer values are cut. */
const maxTextLength = 8 * 1024;
/** Of one map: what comes after is left out. */
const maxTextsLength = 128 * 1024;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What it says, in UTF-8. @throws JsonError where it is no JSON, JsonLimitError as {@link scanJson} */
export function parseJson(bytes: Uint8Array, maxMembers?: number): unknown {
  scanJson(bytes, maxMembers);
  return decodeJson(bytes);
}

/** Of bytes that were looked at. @param options of the decoder: what is not UTF-8 can be an error @throws JsonError where it is no JSON */
export function decodeJson(bytes: Uint8Array, options: { readonly fatal?: boolean } = {}): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', options).decode(bytes));
  } catch (cause) {
    throw new JsonError('is not JSON', { cause });
  }
}

/** Undefined where the bytes are no JSON object in UTF-8, or over a limit. */
export function parseJsonRecord(bytes: Uint8Array): JsonRecord | undefined {
  try {
    const value = parseJson(bytes);
    return isRecord(value) ? value : undefined;
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

/** A map of texts as Go reads it, null as an empty one; undefined where it is none. */
export function readTexts(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isRecord(value)) return undefined;
  const read: [string, string][] = [];
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string' && text !== null) return undefined;
    read.push([name, text ?? '']);
  }
  return Object.fromEntries(read);
}

/** The members of all objects in it. */
export function countMembers(value: unknown): number {
  let count = 0;
  const left = [value];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    const inner = Object.values(next);
    if (!Array.isArray(next)) count += inner.length;
    for (const each of inner) if (typeof each === 'object' && each !== null) left.push(each);
  }
  return count;
}

/** Cut to `maxLength`; undefined where it is no text, or an empty one. */
export function textIn(json: JsonRecord, name: string, maxLength: number): string | undefined {
  const value = json[name];
  return typeof value === 'string' && value !== '' ? value.slice(0, maxLength) : undefined;
}

/** The objects of a list, at most `maxCount`. */
export function recordsIn(value: unknown, maxCount: number): readonly JsonRecord[] {
  return Array.isArray(value) ? value.slice(0, maxCount).filter(isRecord) : [];
}

/** A map of texts, as labels and annotations are. */
export function textsIn(value: unknown): Readonly<Record<string, string>> {
  if (!isRecord(value)) return {};
  const kept: [string, string][] = [];
  let length = 0;
  for (const name of Object.keys(value)) {
    const text = value[name];
    if (typeof text !== 'string' || name.length > maxNameLength) continue;
    const cut = text.slice(0, maxTextLength);
    length += name.length + cut.length;
    if (length > maxTextsLength || kept.length === maxTexts) break;
    kept.push([name, cut]);
  }
  return Object.fromEntries(kept);
}
