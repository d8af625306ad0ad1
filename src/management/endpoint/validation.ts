/** Input against schemas, and the one place where what does not fit is put into GitLab's words. */
import { z } from 'zod';
import { type Faults, RefusedError } from '../acting/refused-error.ts';
import { type CamelCased, readerOf } from './wire.ts';

/** What both schemas ask for, by the names of the code. */
export type InputOf<P extends z.ZodObject, Q extends z.ZodObject> = CamelCased<
  z.output<z.ZodObject<P['shape'] & Q['shape']>>
>;

/**
 * What parses what is given into the values that both schemas ask for.
 * @throws RefusedError parameters for what is not the right kind of value, or text that cannot be kept; else invalid for what is too long or too big
 */
export function inputParser<P extends z.ZodObject, Q extends z.ZodObject>(
  pathParams: P | undefined,
  params: Q | undefined,
): (given: Readonly<Record<string, unknown>>) => InputOf<P, Q>;
export function inputParser(...schemas: readonly (z.ZodObject | undefined)[]) {
  const read = readerOf(z.object(Object.assign({}, ...schemas.map((schema) => schema?.shape))));
  return (given: Readonly<Record<string, unknown>>) => {
    const issues: z.core.$ZodIssue[] = [];
    const input: Record<string, unknown> = {};
    for (const schema of schemas) {
      const result = schema?.safeParse(given, { error: describe });
      if (result?.success) Object.assign(input, result.data);
      else if (result) issues.push(...result.error.issues);
    }
    if (issues.length > 0) throw refuse(issues);
    const unstorable = Object.keys(input).filter((name) => !isStorable(input[name]));
    if (unstorable.length > 0)
      throw new RefusedError('parameters', unstorable.map((name) => `${name} is invalid`).join(', '));
    return read?.(input);
  };
}

/** PostgreSQL keeps no NUL, and half of a surrogate pair is no text. As deep as the schemas go. */
export function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return !value.includes('\0') && value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every((entry) => entry.every(isStorable));
}

/** Grape's words for a kind of value, Rails' words for its bounds. */
function describe(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing';
      return issue.input === null ? 'is empty' : 'is invalid';
    case 'invalid_value':
      return issue.input === undefined ? 'is missing' : 'does not have a valid value';
    case 'too_small':
      if (issue.origin === 'int') return 'is invalid';
      return issue.origin === 'string'
        ? `is too short (minimum is ${issue.minimum} characters)`
        : `must be greater than or equal to ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'int') return 'is invalid';
      if (issue.origin === 'string') return `is too long (maximum is ${issue.maximum} characters)`;
      if (issue.origin === 'array') return `is too long (maximum is ${issue.maximum} elements)`;
      return `must be less than or equal to ${issue.maximum}`;
    default:
      return 'is invalid';
  }
}

function refuse(issues: readonly z.core.$ZodIssue[]): RefusedError {
  const parameters = issues.filter((issue) => !isBound(issue));
  if (parameters.length > 0) {
    const texts = parameters.map(({ path, message }) => `${nameOf(path)} ${message}`.trimStart());
    return new RefusedError('parameters', [...new Set(texts)].join(', '));
  }
  const faults = Object.groupBy(issues, ({ path }) => nameOf(path));
  const texts = Object.entries(faults).map(([name, found]) => [
    name,
    found?.map(({ message }) => message) ?? [],
  ]);
  return new RefusedError('invalid', Object.fromEntries(texts) satisfies Faults);
}

/** A number that JavaScript cannot hold exactly is a wrong value rather than one over a bound of ours. */
function isBound(issue: z.core.$ZodIssue): boolean {
  return (issue.code === 'too_small' || issue.code === 'too_big') && issue.origin !== 'int';
}

/** Rules over several parameters name them themselves; elements of a list are called as the list, fields of an object `object[field]`. */
function nameOf([first = '', ...rest]: readonly PropertyKey[]): string {
  const fields = rest.filter((part) => typeof part === 'string').map((part) => `[${part}]`);
  return String(first) + fields.join('');
}
