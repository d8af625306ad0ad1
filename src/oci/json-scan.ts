/**
 * One look at each byte of JSON before it is parsed: what would cost a parser far more than its bytes do is refused, and what a parser does
 * not tell is told. Whether it is JSON at all is left to the parser.
 */

/** Arrays and objects in each other. Manifests, configs and token answers have less than ten. */
export const maxJsonDepth = 64;
/** Of all objects together. A name that is new takes a parser up to a microsecond: this many block nobody. */
export const maxJsonMembers = 30_000;
/** Elements, members, arrays and objects together: a hundred thousand tags, and some more. */
export const maxJsonValues = 120_000;

/** The message says what is wrong with the text, in words that go after "the manifest" or "the answer". */
export class JsonError extends Error {
  override readonly name = 'JsonError';
}

/** It is over a limit. */
export class JsonLimitError extends JsonError {}

export interface JsonLook {
  /** Of all objects together; less in what was parsed where a name was there twice. */
  readonly members: number;
  /** Names of members that are, or hold, a number with a fraction or an exponent: parsed, `1.0` is a 1 like any other. */
  readonly fractional: ReadonlySet<string>;
}

const decoder = new TextDecoder();
const quote = 0x22;
const backslash = 0x5c;
/** Longer ones are not of interest, however each letter is written. */
const maxNameBytes = 120;

/** @throws JsonLimitError saying which limit */
export function scanJson(bytes: Uint8Array, maxMembers = maxJsonMembers): JsonLook {
  let depth = 0;
  let members = 0;
  let values = 0;
  let name = { start: 0, end: 0 };
  let text = name;
  const fractional = new Set<string>();
  const note = () => {
    const { start, end } = name;
    if (end - start <= maxNameBytes) fractional.add(nameIn(bytes.subarray(start, end)));
  };
  for (let at = 0; at < bytes.length; at += 1) {
    switch (bytes[at]) {
      case quote: {
        const end = endOfText(bytes, at + 1);
        text = { start: at, end: end + 1 };
        at = end;
        break;
      }
      case 0x3a: // :
        name = text;
        members += 1;
        if (members > maxMembers) throw new JsonLimitError(`has more than ${maxMembers} members`);
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        values += 1;
        if (depth > maxJsonDepth) throw new JsonLimitError(`is nested deeper than ${maxJsonDepth} levels`);
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
      case 0x2c: // ,
        values += 1;
        if (values > maxJsonValues) throw new JsonLimitError(`has more than ${maxJsonValues} values`);
        break;
      case 0x2e: // .
      case 0x45: // E
        note();
        break;
      case 0x65: // e, as in 2e0, true and false
        if (isDigit(bytes[at - 1])) note();
        break;
    }
  }
  return { members, fractional };
}

/** Where the quote that closes it is, or the end of all. */
function endOfText(bytes: Uint8Array, start: number): number {
  let at = start;
  for (; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === quote) break;
    if (byte === backslash) at += 1;
  }
  return at;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** @param quoted with its quotes, as it is written */
function nameIn(quoted: Uint8Array): string {
  const written = decoder.decode(quoted);
  try {
    return String(JSON.parse(written));
  } catch {
    return written;
  }
}
