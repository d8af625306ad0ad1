/**
 * The one edge where names change: clients write and read `created_at`, everything else says `createdAt`. The declarations say how, by their
 * schemas, which have the names of the wire: what comes in is renamed, and of what goes out their fields are taken, in their order, and no other.
 */
import { z } from 'zod';
import { type CamelCase, camelCase } from '../../metadata/db/names.ts';

/** What was parsed, by the names of the code. */
export type CamelCased<T> = T extends readonly (infer E)[]
  ? CamelCased<E>[]
  : T extends object
    ? { [K in keyof T as CamelCase<K>]: CamelCased<T[K]> }
    : T;

/**
 * What a handler returns for the schema of its answer: its fields by the names of the code, or more than these, as a record has them.
 * Undefined becomes null where the schema says so, but for what may be left out, which it is; what can only be null need not be there.
 */
export type AnswerOf<R extends z.ZodType> = Answer<z.output<R>>;

type Answer<T> = T extends null
  ? null | undefined
  : T extends readonly (infer E)[]
    ? readonly Answer<E>[]
    : T extends object
      ? { readonly [K in keyof T as [T[K]] extends [null] ? never : CamelCase<K>]: Answer<T[K]> }
      : T;

type Convert = (value: unknown) => unknown;

/** What renames parsed values of the schema; keys of records are data and stay. Undefined: there is nothing to rename. */
export function readerOf(schema: unknown): Convert | undefined {
  if (schema instanceof z.ZodPipe) return readerOf(schema.out);
  if (isWrapper(schema)) return readerOf(schema.unwrap());
  if (schema instanceof z.ZodArray) {
    const read = readerOf(schema.element);
    return read && ((value) => (Array.isArray(value) ? value.map(read) : value));
  }
  if (!(schema instanceof z.ZodObject)) return undefined;
  const fields = new Map(
    Object.entries(schema.shape).map(([name, field]) => [
      name,
      { key: camelCase(name), read: readerOf(field) },
    ]),
  );
  return (value) =>
    isObject(value)
      ? Object.fromEntries(
          Object.entries(value).map(([name, given]) => {
            const { key = name, read } = fields.get(name) ?? {};
            return [key, read ? read(given) : given];
          }),
        )
      : value;
}

export function isWrapper(schema: unknown): schema is z.ZodOptional | z.ZodNullable | z.ZodDefault {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Kinds of schemas whose values are written as they are. */
const plainTypes: readonly string[] = ['string', 'number', 'boolean', 'enum', 'literal', 'unknown'];

/**
 * What writes answers of the schema: a function that is made once, as zod makes its own, because field by field takes half as long again.
 * @throws Error for a kind of schema that no answer has yet
 */
export function writerOf(schema: z.ZodType): Convert {
  const encoders: unknown[] = [];
  const code = codeOf(schema, 'answer', encoders);
  return new Function('encoders', `return (answer) => ${code};`)(encoders);
}

/** @param value the expression of the value. @param encoders takes what the code calls */
function codeOf(schema: unknown, value: string, encoders: unknown[]): string {
  if (schema instanceof z.ZodCodec)
    return `encoders[${encoders.push(schema.def.reverseTransform) - 1}](${value})`;
  if (schema instanceof z.ZodNull) return 'null';
  if (schema instanceof z.ZodNullable)
    return `(${value} == null ? null : ${codeOf(schema.unwrap(), value, encoders)})`;
  if (schema instanceof z.ZodOptional)
    return `(${value} === undefined ? undefined : ${codeOf(schema.unwrap(), value, encoders)})`;
  if (schema instanceof z.ZodArray)
    return `${value}.map((each) => ${codeOf(schema.element, 'each', encoders)})`;
  if (schema instanceof z.ZodUnion)
    return schema.options.reduceRight<string>(
      (others, option) => `(${literalsOf(option, value)} ? ${codeOf(option, value, encoders)} : ${others})`,
      'undefined',
    );
  if (schema instanceof z.ZodObject) {
    const fields = Object.entries(schema.shape).map(
      ([name, field]) => `${JSON.stringify(name)}: ${codeOf(field, fieldOf(value, name), encoders)}`,
    );
    return `({ ${fields.join(', ')} })`;
  }
  const plain = schema instanceof z.ZodRecord ? schema.valueType : schema;
  if (plain instanceof z.ZodType && plainTypes.includes(plain.type)) return value;
  throw new Error('no rule for this kind of schema in an answer');
}

/** An object's literals say which of a union it is. */
function literalsOf(option: unknown, value: string): string {
  const fields = option instanceof z.ZodObject ? Object.entries(option.shape) : [];
  const literals = fields.flatMap(([name, field]) =>
    field instanceof z.ZodLiteral ? [`${fieldOf(value, name)} === ${JSON.stringify(field.value)}`] : [],
  );
  if (literals.length > 0) return literals.join(' && ');
  throw new Error('an answer may be one of several objects that literals tell apart, and nothing else');
}

function fieldOf(value: string, name: string): string {
  return `${value}[${JSON.stringify(camelCase(name))}]`;
}
