/**
 * Writes src/api/schema.ts: the types of every operation, from the document that the server serves, so that the page and the API cannot drift
 * apart unseen. It is made before each check and kept nowhere.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApiDocument } from '../src/api/rest/openapi.ts';
import { listEndpoints } from '../src/api/rest/rest-router.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly description?: string;
}

interface Operation {
  readonly summary: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

interface ApiDescription {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return `Schemas['${schema.$ref.split('/').at(-1)}']`;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(' | ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices && !schema.properties) return choices.map((each) => `(${typeOf(each)})`).join(' | ');
  if (schema.allOf) return schema.allOf.map((each) => `(${typeOf(each)})`).join(' & ');
  if (typeof schema.type !== 'string')
    return schema.type?.map((type) => typeOf({ ...schema, type })).join(' | ') ?? 'unknown';
  switch (schema.type) {
    case 'integer':
      return 'number';
    case 'array':
      return `readonly (${typeOf(schema.items ?? {})})[]`;
    case 'object':
      return objectOf(schema);
    default:
      return schema.type;
  }
}

function objectOf({ properties, required = [], additionalProperties }: Schema): string {
  if (!properties) {
    const values = typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown';
    return `Readonly<Record<string, ${values}>>`;
  }
  return fieldsOf(
    Object.entries(properties).map(([name, schema]) => ({ name, schema, required: required.includes(name) })),
  );
}

function fieldsOf(
  fields: readonly { readonly name: string; readonly schema: Schema; readonly required: boolean }[],
): string {
  const lines = fields.map(({ name, schema, required }) => {
    const type = typeOf(schema);
    return `readonly '${name}'${required ? '' : '?'}: ${required ? type : `${type} | undefined`};`;
  });
  return `{ ${lines.join(' ')} }`;
}

function operationOf(operation: Operation): string {
  const { parameters = [], requestBody, responses } = operation;
  const success = Object.entries(responses).find(([status]) => status.startsWith('2'))?.[1].content;
  const body = requestBody?.content['application/json']?.schema;
  const response = success && Object.values(success)[0]?.schema;
  const parts = [
    `path: { ${parameters.flatMap(({ name, in: place }) => (place === 'path' ? `readonly '${name}': string | number;` : [])).join(' ')} };`,
    `query: ${fieldsOf(parameters.filter(({ in: place }) => place === 'query'))};`,
    `body: ${body ? typeOf(body) : 'undefined'};`,
    `response: ${response ? typeOf(response) : 'undefined'};`,
  ];
  return `{ ${parts.join(' ')} }`;
}

// A description of what the server has takes nothing of the server: endpoints are declared with whatever they call, and none is called.
const document = openApiDocument(listEndpoints({ version: { version: '' } } as never), '') as ApiDescription;
const schemas = Object.entries(document.components.schemas).map(
  ([name, schema]) => `  '${name}': ${typeOf(schema)};`,
);
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(
    ([method, operation]) =>
      `  /** ${operation.summary} */\n  '${method.toUpperCase()} ${path}': ${operationOf(operation)};`,
  ),
);
writeFileSync(
  join(import.meta.dirname, 'src/api/schema.ts'),
  `/** Written by ui/api-types.ts from the API's own description. */\n\nexport interface Schemas {\n${schemas.join('\n')}\n}\n\nexport interface Operations {\n${operations.join('\n')}\n}\n`,
);
