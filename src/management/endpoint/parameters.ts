/** Kinds of parameters. Forms and queries only have texts, so each kind takes texts too, as Grape does. */
import { z } from 'zod';
import { registryAccessLevels } from '../../metadata/namespaces/projects.ts';

export const maxNameLength = 255;
export const maxDescriptionLength = 1024;

export function text(maxLength: number) {
  return z.preprocess(
    (value) => (typeof value === 'number' || typeof value === 'boolean' ? String(value) : value),
    z.string().max(maxLength),
  );
}

/** A text with something to read in it. */
export function filled(maxLength: number) {
  return text(maxLength)
    .refine((value) => value.trim() !== '', 'is empty')
    .meta({ minLength: 1, pattern: '\\S' });
}

/** As {@link text}; where it is blank there is none. */
export function textOrNone(maxLength: number) {
  const blankAsNone = (value: unknown) => (value === null || isBlankText(value) ? undefined : value);
  return z.preprocess(blankAsNone, text(maxLength).optional()).optional();
}

/** A parameter of what is made: null is none, as what is left out is. @param schema takes null and, where it is of texts, empty ones */
export function orNone<S extends z.ZodType>(schema: S) {
  return schema.optional().transform((value) => value ?? undefined);
}

const integerPattern = /^[+-]?\d+$/;

/** A text that is blank becomes null, which the schema may take. */
function toInteger(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return integerPattern.test(value.trim()) ? Number(value) : emptyAsNull(value);
}

export const integer = z.preprocess(toInteger, z.int());

export function integerBetween(least: number, most: number) {
  return z.preprocess(toInteger, z.int().min(least).max(most));
}

/** A number of bytes; null or an empty text: none. */
export const quota = z.preprocess(toInteger, z.int().min(0).nullable());

export const visibility = z.enum(['private', 'internal', 'public']);

/** A project's `container_registry_access_level`. */
export const registryAccessLevel = z.enum(registryAccessLevels);

/** As {@link integerBetween}, where everything else is just not one of the values. */
export function choiceBetween(least: number, most: number) {
  return choiceWhere((value) => value >= least && value <= most);
}

/** As {@link choiceBetween}, of these numbers. */
export function choiceOf(values: readonly number[]) {
  return choiceWhere((value) => values.includes(value));
}

function choiceWhere(accepts: (value: number) => boolean) {
  const fault = 'does not have a valid value';
  const number = z.int({ error: ({ input }) => (input === undefined ? undefined : fault) });
  return z.preprocess(toInteger, number.refine(accepts, fault));
}

/** One of these numbers; an empty text is null. */
export function oneNumberOf<const N extends number>(numbers: readonly N[]) {
  return z.preprocess(toInteger, z.literal(numbers).nullable());
}

/** One of these texts; an empty one is null. */
export function oneTextOf<const T extends string>(texts: readonly T[]) {
  return z.preprocess(
    (value) => (typeof value === 'string' ? emptyAsNull(value) : value),
    z.enum(texts).nullable(),
  );
}

export const truth = z.preprocess((value) => {
  if (value === 1 || value === 0) return value === 1;
  if (typeof value !== 'string') return value;
  const said = value.toLowerCase();
  if (['true', 't', '1', 'on', 'yes'].includes(said)) return true;
  return ['false', 'f', '0', 'off', 'no'].includes(said) ? false : emptyAsNull(value);
}, z.boolean());

/** A list may be one text with separators, too; an empty text is an empty list. */
export function list<E extends z.ZodType>(element: E, maxElements: number, separator = ',') {
  return z.preprocess((value) => {
    if (typeof value !== 'string') return value;
    const parts = value.split(separator).map((part) => part.trim());
    return parts.filter((part) => part !== '');
  }, z.array(element).max(maxElements));
}

export const recordId = z.object({ id: integer });

/** At least one of the parameters must be there: of these, or of all. */
export function someOf<S extends z.ZodRawShape>(
  schema: z.ZodObject<S>,
  names: readonly (keyof S & string)[] = Object.keys(schema.shape),
): z.ZodObject<S> {
  return schema
    .refine(
      (given) => Object.entries(given).some(([name, value]) => names.includes(name) && value !== undefined),
      `${names.join(', ')} are missing, at least one parameter must be provided`,
    )
    .meta({ anyOf: names.map((name) => ({ required: [name] })) });
}

/** Exactly one of the parameters must be there. */
export function oneOf<S extends z.ZodRawShape>(
  schema: z.ZodObject<S>,
  names: readonly (keyof S & string)[],
): z.ZodObject<S> {
  const text = names.join(', ');
  return schema
    .refine(
      (given) => countOf(given, names) > 0,
      `${text} are missing, exactly one parameter must be provided`,
    )
    .refine((given) => countOf(given, names) < 2, `${text} are mutually exclusive`)
    .meta({ oneOf: names.map((name) => ({ required: [name] })) });
}

function countOf(given: Readonly<Record<string, unknown>>, names: readonly string[]): number {
  return names.filter((name) => given[name] !== undefined).length;
}

/** A group in a path: its number, or its full path (`%2F` for `/`). */
export const groupId = z.object({ id: filled(maxNameLength).meta({ description: 'Number, or full path' }) });

/** As {@link groupId}, for a project. */
export const projectId = groupId;

/** As {@link groupId}, for a group or a project. */
export const placeId = groupId;

function emptyAsNull(text: string): string | null {
  return isBlankText(text) ? null : text;
}

function isBlankText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() === '';
}

/** A parameter whose place another one took. */
export function outdated<S extends z.ZodType>(schema: S, instead: string): S {
  return schema.meta({ deprecated: true, description: `Use \`${instead}\`` });
}
