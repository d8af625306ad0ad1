/** The OpenAPI 3.1 document of /api/v4, from the declarations of its endpoints: https://spec.openapis.org/oas/v3.1.1.html */
import type { z } from 'zod';
import type { Endpoint, TaggedEndpoint } from '../../management/endpoint/endpoint.ts';
import { errorDescriptions } from '../../management/endpoint/error-statuses.ts';
import { errorResponse, errorStatusesOf } from './errors.ts';
import { JsonSchemas } from './json-schemas.ts';
import { responseHeaders } from './openapi-headers.ts';

const description = `Compatible with GitLab's REST API where GitLab has the same; what is only here says so.

Parameters come as JSON, as a form (\`application/x-www-form-urlencoded\`, \`multipart/form-data\`) or in the query, whatever the method; texts are taken for
numbers and booleans, and parameters that are not known are ignored. Where one may be left out, \`null\`, and an empty text for what is no text, mean that it is. Lists in queries are \`a,b\` or \`name[]=a&name[]=b\`. Wherever the
\`id\` of a group, project or repository is asked for, its full path does too, with \`%2F\` for \`/\`; for a user the username does, and for a virtual
registry or an upstream \`GROUP/NAME\`.`;

const security = [{ PrivateToken: [] }, { Bearer: [] }];

/** @param version of this server */
export function openApiDocument(endpoints: readonly TaggedEndpoint[], version: string): object {
  const schemas = new JsonSchemas();
  const paths: Record<string, Record<string, unknown>> = {};
  for (const endpoint of endpoints) {
    const path = templateOf(endpoint.path);
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operationOf(endpoint, path, schemas) };
  }
  const error = schemas.of(errorResponse, 'output');
  return {
    openapi: '3.1.1',
    info: {
      title: 'Entrepot',
      version,
      description,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/api/v4' }],
    security,
    tags: [...new Set(endpoints.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        PrivateToken: { type: 'apiKey', in: 'header', name: 'PRIVATE-TOKEN' },
        Bearer: { type: 'http', scheme: 'bearer' },
      },
      headers: responseHeaders.components,
      responses: Object.fromEntries(
        Object.entries(errorDescriptions).map(([status, text]) => [
          `Error${status}`,
          {
            description: text,
            headers: responseHeaders.ofError(Number(status)),
            content: { 'application/json': { schema: error } },
          },
        ]),
      ),
      schemas: schemas.named,
    },
  };
}

function operationOf(endpoint: TaggedEndpoint, path: string, schemas: JsonSchemas): object {
  const { method, summary, status, tag, pathParams, params } = endpoint;
  const hasBody = method !== 'GET' && method !== 'DELETE';
  const inQuery = hasBody ? [] : parametersOf(params, 'query', schemas);
  const parameters = [...parametersOf(pathParams, 'path', schemas), ...inQuery];
  const errors = errorStatusesOf(endpoint).map((each) => [each, refTo('responses', `Error${each}`)]);
  return {
    operationId: operationIdOf(method, path),
    tags: [tag],
    summary,
    ...(endpoint.isOutdated && { deprecated: true }),
    ...(endpoint.isPublic && { security: [{}, ...security] }),
    ...(parameters.length > 0 && { parameters }),
    ...(hasBody && requestBodyOf(params, schemas)),
    responses: {
      [status]: successOf(endpoint, schemas),
      ...(endpoint.other && {
        [endpoint.other.status]: successOf({ ...endpoint, ...endpoint.other }, schemas),
      }),
      ...(endpoint.isSingle && { 304: unchanged }),
      ...Object.fromEntries(errors),
    },
  };
}

function parametersOf(params: z.ZodObject, place: 'path' | 'query', schemas: JsonSchemas): object[] {
  const { properties = {}, required = [] } = schemas.of(params, 'input');
  return Object.entries(properties).map(([name, { description: text, deprecated, ...schema }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(text !== undefined && { description: text }),
    ...(deprecated !== undefined && { deprecated }),
    ...(schema['type'] === 'array' && { style: 'form', explode: false }),
    schema,
  }));
}

function requestBodyOf(params: z.ZodObject, schemas: JsonSchemas): object {
  if (Object.keys(params.shape).length === 0) return {};
  const schema = schemas.of(params, 'input');
  const required = 'required' in schema || 'anyOf' in schema || 'oneOf' in schema;
  return { requestBody: { required, content: { 'application/json': { schema } } } };
}

function successOf(endpoint: Endpoint, schemas: JsonSchemas): object {
  const { response } = endpoint;
  return {
    description: response?.description ?? successDescriptions[endpoint.status],
    headers: responseHeaders.ofSuccess(endpoint),
    ...(response && {
      content: {
        [endpoint.isText ? 'text/plain' : 'application/json']: { schema: schemas.of(response, 'input') },
      },
    }),
  };
}

const successDescriptions = { 200: 'Done', 201: 'Made', 202: 'Begun', 204: 'Done; no body' } as const;

const unchanged = {
  description: 'It is still as `If-None-Match` says',
  headers: responseHeaders.ofUnchanged(),
};

function refTo(kind: string, name: string): object {
  return { $ref: `#/components/${kind}/${name}` };
}

/** The path's template, of `/groups/:id` or `/entries/*id`. */
export function templateOf(path: string): string {
  return path.replace(/[:*](\w+)/g, '{$1}');
}

function operationIdOf(method: string, path: string): string {
  const words = path.match(/[a-z0-9]+/g) ?? [];
  return method.toLowerCase() + words.map((word) => word[0]?.toUpperCase() + word.slice(1)).join('');
}
