/** The served API document, and what calls and answers must be by it. */

import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

interface Schema {
  readonly [keyword: string]: unknown;
}

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly schema: Schema;
}

interface Described {
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface OperationObject {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Described & { readonly required: boolean };
  readonly responses: Readonly<Record<string, Described | { readonly $ref: string }>>;
}

export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components: {
    readonly responses: Readonly<Record<string, Described>>;
    readonly schemas: Readonly<Record<string, Schema>>;
  };
}

export class ApiDocument {
  readonly #document: Document;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });

  constructor(document: Document) {
    // A field that the document does not have is a fault here, though clients have to bear it.
    this.#document = closed(document);
    addFormats.default(this.#ajv);
    this.#ajv.addSchema({ $id: 'api', components: this.#document.components });
  }

  /** As `GET /groups/{id}`. */
  get operations(): readonly string[] {
    return Object.entries(this.#document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
  }

  /** The documented success. */
  successOf(operation: string): number {
    return Number(Object.keys(this.#get(operation).responses).find((status) => status.startsWith('2')));
  }

  hasStatus(operation: string, status: number): boolean {
    return String(status) in this.#get(operation).responses;
  }

  headersOf(operation: string, status: number): readonly string[] {
    return Object.keys(this.#responseOf(operation, status).headers ?? {});
  }

  /** What is wrong with parameters in path or query. */
  faultsOfParameters(operation: string, place: 'path' | 'query', given: object): string[] {
    const known = (this.#get(operation).parameters ?? []).filter((each) => each.in === place);
    return this.#faults(`${place} of ${operation}`, given, {
      type: 'object',
      properties: Object.fromEntries(known.map(({ name, schema }) => [name, schema])),
      required: known.filter(({ required }) => required).map(({ name }) => name),
      additionalProperties: false,
    });
  }

  faultsOfBody(operation: string, given: object | undefined): string[] {
    const described = this.#get(operation).requestBody;
    if (given === undefined) return described?.required ? [`${operation} needs a body`] : [];
    const schema = described?.content?.['application/json']?.schema;
    return schema ? this.#faults(`body of ${operation}`, given, schema) : [`${operation} takes no body`];
  }

  /** Parameters of query and body that may be left out, and whether they are texts. */
  optionalsOf(operation: string): readonly { readonly name: string; readonly isText: boolean }[] {
    const { parameters = [], requestBody } = this.#get(operation);
    const { properties = {}, required = [] } = (requestBody?.content?.['application/json']?.schema ?? {}) as {
      properties?: Readonly<Record<string, Schema>>;
      required?: readonly string[];
    };
    const fields = Object.entries(properties).filter(([name]) => !required.includes(name));
    const inQuery = parameters.filter((each) => each.in === 'query' && !each.required);
    return [...fields, ...inQuery.map(({ name, schema }) => [name, schema] as const)].map(
      ([name, schema]) => ({ name, isText: isText(schema) }),
    );
  }

  /** @param text of the answer's body */
  faultsOfAnswer(operation: string, status: number, type: string | null, text: string): string[] {
    const content = this.#responseOf(operation, status).content;
    if (!content) return text === '' ? [] : [`${operation} ${status} has a body`];
    const [documented] = Object.keys(content);
    if (documented === undefined || !type?.startsWith(documented))
      return [`${operation} ${status} is ${type}`];
    const body: unknown = documented === 'text/plain' ? text : JSON.parse(text);
    return this.#faults(`${operation} ${status}`, body, content[documented]?.schema ?? {});
  }

  #get(operation: string): OperationObject {
    const [method = '', path = ''] = operation.split(' ');
    const found = this.#document.paths[path]?.[method.toLowerCase()];
    if (!found) throw new Error(`not in the document: ${operation}`);
    return found;
  }

  #responseOf(operation: string, status: number): Described {
    const found = this.#get(operation).responses[status];
    if (!found) throw new Error(`${operation} has no ${status} in the document`);
    if (!('$ref' in found)) return found;
    const name = String(found.$ref).split('/').at(-1) ?? '';
    return this.#document.components.responses[name] ?? {};
  }

  #faults(where: string, value: unknown, schema: Schema): string[] {
    const validate = this.#ajv.compile(absolute(schema));
    if (validate(value)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${where}${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  }
}

function closed<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_key, part) =>
    part?.type === 'object' && part.properties && part.additionalProperties === undefined
      ? { ...part, additionalProperties: false }
      : part,
  );
}

function isText(schema: Schema): boolean {
  const choices = schema['anyOf'];
  if (Array.isArray(choices)) return choices.some(isText);
  return schema['type'] === 'string' && schema['enum'] === undefined && schema['format'] === undefined;
}

function absolute(schema: Schema): AnySchema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/'));
}
