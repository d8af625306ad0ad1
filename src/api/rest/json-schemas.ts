/** JSON Schema 2020-12 from zod's, as OpenAPI 3.1 takes it. */
import { z } from 'zod';

export interface JsonSchema {
  readonly [keyword: string]: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
}

/** Schemas with names (`.meta({ id })`), each once, and references to them elsewhere. */
export class JsonSchemas {
  readonly #named = new Map<string, JsonSchema>();

  /** @param io input: what comes in, before it is parsed; output: what goes out. @throws Error where two schemas have one name */
  of(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const written = z.toJSONSchema(schema, { io, override: ({ jsonSchema }) => simplify(jsonSchema) });
    const text = JSON.stringify(written).replaceAll('"#/$defs/', '"#/components/schemas/');
    const { $schema: _schema, $defs = {}, ...rest } = JSON.parse(text);
    for (const [name, named] of Object.entries<JsonSchema & { id?: unknown }>($defs)) {
      const { id: _id, ...definition } = named;
      const known = this.#named.get(name);
      if (known && JSON.stringify(known) !== JSON.stringify(definition))
        throw new Error(`two schemas are called ${name}`);
      this.#named.set(name, definition);
    }
    return rest;
  }

  /** The schemas with names that were met so far, by name. */
  get named(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries([...this.#named].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** Answers may get more fields in later versions, and the bounds of JavaScript's integers tell nobody anything. */
function simplify(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.additionalProperties === false) delete schema.additionalProperties;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (schema.format !== undefined) delete schema.pattern;
}
