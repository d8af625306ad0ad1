/** What the value of a setting can be. The file and the environment share one grammar, so every kind also reads texts. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { parseShortDurationMs } from '../rules/duration.ts';
import { expectedProxy, parseProxyUrl } from '../rules/proxy-url.ts';

/** The longest time-out a timer can take is 2^31 ms. */
const maxDurationMs = 24 * 86_400_000;
const maxPeriodMs = 3650 * 86_400_000;
const sizes = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

export function section<T extends z.core.$ZodLooseShape>(shape: T) {
  return z.strictObject(shape, 'expected settings below it').readonly();
}

type Accepts = (text: string) => boolean;

export function required([accepts, expected]: readonly [Accepts, string]) {
  return z.string(expected).refine(accepts, expected);
}

/** An empty text says that there is none. */
export function optional([accepts, expected]: readonly [Accepts, string]) {
  return required([(text) => text === '' || accepts(text), `${expected}, or nothing`]).transform(
    (text) => text || undefined,
  );
}

/** A list, or a text with commas. */
export function listOf<T extends z.ZodType>(item: T) {
  const split = (value: unknown) =>
    typeof value === 'string' ? value.split(',').flatMap((part) => part.trim() || []) : value;
  return z.preprocess(split, z.array(item, 'expected a list').readonly());
}

/** A list of what has settings of its own; in the environment as JSON. */
export function jsonList<T extends z.ZodType>(item: T, expected: string) {
  const parse = (value: unknown): unknown => {
    if (typeof value !== 'string') return value;
    if (value.trim() === '') return [];
    try {
      return JSON.parse(value);
    } catch {
      return value;
    }
  };
  return z.preprocess(parse, z.array(item, expected).readonly());
}

/** Nothing, or an empty text: it is not said. */
export function unlessSaid<T extends z.ZodType>(value: T) {
  return z.preprocess((given) => (given === '' || given === null ? undefined : given), value.optional());
}

/** A number, a text with one, or one with a unit such as `5MiB`. */
function amount(number: z.ZodNumber, units: Readonly<Record<string, number>> = {}) {
  const parse = (value: unknown) => {
    if (typeof value !== 'string') return value;
    const [, digits, unit = ''] = /^([0-9]+(?:\.[0-9]+)?)([a-zA-Z]*)$/.exec(value) ?? [];
    const factor = unit === '' ? 1 : units[unit];
    return digits === undefined || factor === undefined ? value : Number(digits) * factor;
  };
  return z.preprocess(parse, number);
}

export function oneOf<const T extends readonly string[]>(values: T) {
  return z.enum(values, `expected one of ${values.join(', ')}`);
}

export function flag() {
  const expected = 'expected true or false';
  const parse = (value: unknown) => (value === 'true' ? true : value === 'false' ? false : value);
  return z.preprocess(parse, z.boolean(expected));
}

export function count(min: number, max: number) {
  const expected = `expected a whole number from ${min} to ${max}`;
  return amount(z.int(expected).min(min, expected).max(max, expected));
}

/** Of one machine; more than it has cores are of no use. */
const maxWorkers = 256;

export function workers() {
  const error = `expected auto, or a whole number from 1 to ${maxWorkers}`;
  return z.union([z.literal('auto'), count(1, maxWorkers)], { error });
}

/** In milliseconds: a number of seconds, or a text with one, or one with a unit such as `5m`. */
function ofDuration(number: z.ZodNumber) {
  const parse = (value: unknown) => {
    if (typeof value === 'number') return value * 1000;
    return typeof value === 'string' ? (parseShortDurationMs(value) ?? value) : value;
  };
  return z.preprocess(parse, number);
}

export function duration() {
  const expected = 'expected seconds, more than 0 and at most 24d, such as 90 or 5m';
  return ofDuration(z.number(expected).positive(expected).max(maxDurationMs, expected));
}

/** Clients take a token for good this long, and cannot push with one that is not. */
const minTokenSeconds = 60;
/** A token that leaked opens what its owner may do until then; no client needs one for longer than it takes to start a request. */
const maxTokenSeconds = 86_400;

export function tokenLifetime() {
  const expected = `expected seconds from ${minTokenSeconds} to ${maxTokenSeconds}, such as 90 or 5m: Docker and containerd use each token for 60 seconds, whatever it says`;
  return ofDuration(
    z
      .number(expected)
      .min(minTokenSeconds * 1000, expected)
      .max(maxTokenSeconds * 1000, expected),
  );
}

export function durationOrNone() {
  const expected = 'expected seconds, 0 or more and at most 24d, such as 90 or 5m';
  return ofDuration(z.number(expected).min(0, expected).max(maxDurationMs, expected));
}

/** Longer than a timer can take. */
export function period() {
  const expected = 'expected seconds, 0 or more and at most 3650d, such as 90 or 24h';
  return ofDuration(z.number(expected).min(0, expected).max(maxPeriodMs, expected));
}

export function periodOrNever() {
  return z.union([z.literal('never'), period()], {
    error: 'expected never, or seconds, 0 or more and at most 3650d, such as 90 or 30d',
  });
}

export function bytes() {
  const expected = 'expected a whole number of bytes, at least 1, such as 67108864 or 64MiB';
  return amount(z.int(expected).min(1, expected), sizes);
}

/** 0, or an empty text: none. */
export function bytesOrNone() {
  const expected = 'expected a whole number of bytes, 0 or more, such as 67108864 or 64MiB';
  const orNone = (value: unknown) => (value === '' ? 0 : value);
  return z
    .preprocess(orNone, amount(z.int(expected).min(0, expected), sizes))
    .transform((number) => number || undefined);
}

const isPath: Accepts = (text) => text.trim() !== '' && !text.includes('\0');
export const file = [isPath, 'expected the path of a file'] as const;
export const directory = [isPath, 'expected the path of a directory'] as const;

export const address = [
  isAddress,
  'expected host:port, such as 127.0.0.1:5000, [::1]:5000 or :5000',
] as const;

function isAddress(text: string): boolean {
  const [, host, ipv6, port] = /^([^:[\]/\s]*|\[([0-9a-fA-F:.]+)\]):([0-9]{1,5})$/.exec(text) ?? [];
  return host !== undefined && (ipv6 === undefined || isIP(ipv6) === 6) && Number(port) < 65_536;
}

export const databaseUrl = urlOf(
  ['postgres:', 'postgresql:'],
  'expected postgres://user:password@host/name or postgresql://…',
);
export const redisUrl = urlOf(['redis:', 'rediss:'], 'expected redis://host:6379 or rediss://…');

const isHttpUrl = urlOf(['http:', 'https:'], '')[0];
/** Without what a quoted text in a header could not hold. */
const isPlain: Accepts = (text) => /^[ !#-[\]-~]+$/.test(text);

export const httpUrl = [
  (text: string) => isHttpUrl(text) && isPlain(text) && new URL(text).username === '',
  'expected an address such as https://auth.example.com/token, without a user',
] as const;

export const name = [isPlain, 'expected printable ASCII without quotes and backslashes'] as const;

function urlOf(protocols: readonly string[], expected: string) {
  const accepts: Accepts = (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol);
  return [accepts, expected] as const;
}

/** Scheme, host and port, without a slash at the end. */
export function origin() {
  const [isHttp, expected] = urlOf(
    ['http:', 'https:'],
    'expected http:// or https:// with a host and no path',
  );
  const isOrigin: Accepts = (text) => {
    if (!isHttp(text)) return false;
    const { pathname, search, hash, username, password } = new URL(text);
    return pathname === '/' && `${search}${hash}${username}${password}` === '';
  };
  return optional([isOrigin, expected]).transform((text) =>
    text === undefined ? undefined : new URL(text).origin,
  );
}

/** As a URL, whose scheme need not be written; an empty text says that there is none. */
export function proxy() {
  const isProxy: Accepts = (text) => text.trim() === '' || parseProxyUrl(text) !== undefined;
  return required([isProxy, expectedProxy]).transform((text) =>
    text.trim() ? parseProxyUrl(text)?.href : undefined,
  );
}

/** In CIDR notation; a single address becomes a network of one. */
export function network() {
  return z.string('expected a text').transform((text, context) => {
    const [base = '', bits, ...rest] = text.split('/');
    const longest = { 0: undefined, 4: 32, 6: 128 }[isIP(base)];
    const length = bits === undefined ? longest : /^[0-9]{1,3}$/.test(bits) ? Number(bits) : undefined;
    if (longest !== undefined && length !== undefined && length <= longest && rest.length === 0) {
      return `${base}/${length}`;
    }
    context.addIssue(`expected a network such as 10.0.0.0/8 or fd00::/8, not '${text}'`);
    return z.NEVER;
  });
}

/** For whatever says who someone is: nobody may stand in between. */
export const secureUrl = [
  (text: string) => {
    const url = URL.parse(text);
    const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(url?.hostname ?? '');
    return url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && isHere));
  },
  'expected https://…, or http:// on this machine',
] as const;

/** `provider-group=group/path:developer` */
export const groupRole = [
  (text: string) => /^.+=[^=:\s]+:(?:guest|planner|reporter|developer|maintainer|owner)$/.test(text),
  'expected group at the provider = group or project : role, such as platform=acme/shop:developer',
] as const;
