/** Parameters that are numbers, and may be given by name: names are looked up before an endpoint's schemas see them. */
import { z } from 'zod';
import { type NamedKind, namedKinds } from '../acting/names.ts';
import { integer } from './parameters.ts';
import { isWrapper } from './wire.ts';

const kinds = z.registry<{ readonly kind: NamedKind }>();

/** A number of what may be given by name. */
export function idOf(kind: NamedKind) {
  const description = `Number, or ${namedKinds[kind]}`;
  return integer.meta({ type: ['integer', 'string'], description }).register(kinds, { kind });
}

/** `:id` in the path of a virtual registry. */
export const registryPath = z.object({ id: idOf('registry') });

/** `:id` in the path of an upstream. */
export const upstreamPath = z.object({ id: idOf('upstream') });

/** The kinds of those parameters that may be given by name. */
export function namedIn(...schemas: readonly z.ZodObject[]): Readonly<Record<string, NamedKind>> {
  const fields = schemas.flatMap(({ shape }) => Object.entries(shape));
  return Object.fromEntries(
    fields.flatMap(([name, field]) => {
      const kind = kindOf(field);
      return kind === undefined ? [] : [[name, kind] as const];
    }),
  );
}

function kindOf(schema: unknown): NamedKind | undefined {
  if (isWrapper(schema)) return kindOf(schema.unwrap());
  if (!(schema instanceof z.ZodPipe)) return undefined;
  return kinds.get(schema)?.kind ?? kindOf(schema.in);
}
