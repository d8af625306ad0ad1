/**
 * `null`, an empty text and a list of nothing but these mean "not given" wherever a parameter may be left out and they are none of its values:
 * clients send every field of a form. Where null or an empty text clears, the schema takes it, and it is left to the schema.
 */
import { z } from 'zod';

type Given = Readonly<Record<string, unknown>>;

/** @param shape of the parameters; of others nothing is changed */
export function withoutBlanks(shape: z.ZodRawShape, given: Given): Given {
  const kept: Record<string, unknown> = { ...given };
  for (const name of Object.keys(shape)) {
    const schema = shape[name];
    if (!(schema instanceof z.ZodType) || kept[name] === undefined) continue;
    const value = withoutBlankElements(kept[name]);
    if (!isBlank(value) || isValueOf(schema, value)) kept[name] = value;
    else if (schema.safeParse(undefined).success) delete kept[name];
  }
  return kept;
}

/** Fields of an object that is one parameter: what is said of parameters holds for them. */
export function fields<S extends z.ZodRawShape>(shape: S) {
  const isObject = (value: unknown): value is Given => typeof value === 'object' && value !== null;
  return z.preprocess((value) => (isObject(value) ? withoutBlanks(shape, value) : value), z.object(shape));
}

function withoutBlankElements(value: unknown): unknown {
  if (!Array.isArray(value) || !value.some(isBlank)) return value;
  const filled = value.filter((element) => !isBlank(element));
  return filled.length > 0 ? filled : null;
}

function isBlank(value: unknown): boolean {
  return value === null || (typeof value === 'string' && value.trim() === '');
}

/** An empty text counts as a value of every text, even of one that must not be empty: then it is a fault. */
function isValueOf(schema: z.ZodType, value: unknown): boolean {
  return (value !== null && isText(schema)) || schema.safeParse(value).success;
}

function isText(schema: unknown): boolean {
  if (schema instanceof z.ZodPipe) return isText(schema.out);
  const isWrapped =
    schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault;
  return isWrapped ? isText(schema.unwrap()) : schema instanceof z.ZodString;
}
