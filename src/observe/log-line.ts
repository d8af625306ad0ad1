/** A line of the log for people's eyes. What came from outside is in it, and must not steer a terminal. */
import { styleText } from 'node:util';

type Fields = Record<string, unknown>;

const colors = new Map<unknown, 'red' | 'yellow' | 'green' | 'cyan'>([
  ['fatal', 'red'],
  ['error', 'red'],
  ['warn', 'yellow'],
  ['info', 'green'],
  ['debug', 'cyan'],
]);
const levelWidth = 5;
const plainValue = /^[\w./:@+-]+$/;
/** Where the time of day begins in an instant. */
const timeStart = 11;

/** With what steers a terminal or turns the direction of writing as JSON escapes it, so that JSON stays the same JSON. Lines stay lines. */
export function withoutControls(text: string): string {
  return text.replace(/[^\P{C}\n]/gu, escapeCharacter);
}

/** @param line of JSON, as pino writes it */
export function asText(line: string): string {
  const { level, time, message, err, method, path, status, requestId, ...others }: Fields = JSON.parse(line);
  const isRequest = message === 'request';
  const head = isRequest ? `${method} ${path} ${status}` : String(message);
  // Of what goes well nobody looks for the id, which leads from an answer to all that was said of its request.
  const details = isRequest ? {} : { method, path, status };
  const pairs = Object.entries({ ...others, ...details, ...(level !== 'info' && { requestId }) })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${shown(value)}`);
  const text = [head, ...pairs].join(' ').replace(/\p{C}/gu, escapeCharacter);
  const label = styleText(colors.get(level) ?? 'gray', String(level).toUpperCase().padEnd(levelWidth));
  return `${String(time).slice(timeStart)} ${label} ${text}\n${indented(err)}`;
}

function shown(value: unknown): string {
  return typeof value === 'string' && plainValue.test(value) ? value : JSON.stringify(value);
}

function indented(err: unknown): string {
  if (typeof err !== 'object' || err === null) return '';
  const { stack, type, message }: Fields = { ...err };
  const text = typeof stack === 'string' ? stack : `${type}: ${message}`;
  return withoutControls(`    ${text.replaceAll('\n', '\n    ')}\n`);
}

function escapeCharacter(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
