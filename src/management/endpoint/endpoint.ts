/**
 * One method on one path of /api/v4, declared: what it takes, what it needs, what it does, what it gives. The schemas are
 * data, so that the answers to bad input and the OpenAPI document come from the same lines.
 */
import { z } from 'zod';
import type { Purpose } from '../../auth/rights/access.ts';
import type { Actor } from '../acting/actor.ts';
import type { NamedKind } from '../acting/names.ts';
import { withoutBlanks } from './blanks.ts';
import type { ErrorStatus } from './error-statuses.ts';
import { namedIn } from './named-ids.ts';
import { ListPart } from './pagination.ts';
import { OtherAnswer } from './response.ts';
import { type InputOf, inputParser } from './validation.ts';
import { type AnswerOf, writerOf } from './wire.ts';

/** hosted: of images that are pushed here; virtual: of those that are pulled through. */
export type RegistryKind = 'hosted' | 'virtual';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What a handler may know of the request besides its input. */
export interface RestRequest {
  /** scheme://host as clients see us, without a trailing slash. */
  readonly externalUrl: string;
  /** If-Unmodified-Since in epoch milliseconds. */
  readonly unmodifiedSince: number | undefined;
}

type Handler<P extends z.ZodObject, Q extends z.ZodObject, B> = (
  actor: Actor,
  input: InputOf<P, Q>,
  request: RestRequest,
) => Promise<B>;

interface Request<P extends z.ZodObject, Q extends z.ZodObject> {
  readonly method: Method;
  /** Below /api/v4, in @koa/router's syntax: `/groups/:id`. */
  readonly path: string;
  /** A line for the API document. */
  readonly summary: string;
  /** Parameters of the path; none by default. */
  readonly pathParams?: P;
  /** Parameters of query and body, which GitLab merges; none by default. */
  readonly params?: Q;
  /** What the token must be good for; by default `read` for GET and `write` for the others. */
  readonly purpose?: Purpose;
  /** Whether it works in read-only mode, too: by default what is GET does. */
  readonly worksReadOnly?: boolean;
  /**
   * Whether a CI job token will do; by default not. The service asks for the job's rights: `Rights` of src/management knows them, `userOf`
   * refuses jobs.
   */
  readonly takesJobTokens?: boolean;
  /** Whether no token will do: its service shows what is public. */
  readonly isPublic?: boolean;
  /** A blank parameter is a fault, even where it may be left out: less said would do more here. */
  readonly refusesBlanks?: boolean;
  /** Another endpoint took its place; it works as ever. */
  readonly isOutdated?: boolean;
  /** Whether its body is a text and no JSON. */
  readonly isText?: boolean;
  /** Refusals that endpoints of this kind do not have as a rule. */
  readonly errors?: readonly ErrorStatus[];
}

interface WithBody<P extends z.ZodObject, Q extends z.ZodObject, R extends z.ZodType, O extends z.ZodType>
  extends Request<P, Q> {
  readonly status: 200 | 201 | 202;
  /** The answer's body. */
  readonly response: R;
  /** Status and body of answers that are an {@link OtherAnswer}. */
  readonly other?: { readonly status: 200; readonly response: O };
  /**
   * Returns what the body is written from, or a {@link ListPart} of it where it is a list in pages.
   * @throws RefusedError
   */
  readonly handle: Handler<P, Q, AnswerOf<R> | PartOf<AnswerOf<R>> | OtherAnswer<200, AnswerOf<O>>>;
}

interface WithoutBody<P extends z.ZodObject, Q extends z.ZodObject> extends Request<P, Q> {
  readonly status: 204;
  readonly response?: never;
  readonly other?: never;
  /** @throws RefusedError */
  readonly handle: Handler<P, Q, void>;
}

type PartOf<B> = B extends readonly (infer E)[] ? ListPart<E> : never;

/** A declaration whose types are checked and forgotten, so that many fit in one list. */
export interface Endpoint {
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  readonly pathParams: z.ZodObject;
  readonly params: z.ZodObject;
  readonly status: 200 | 201 | 202 | 204;
  /** Undefined where there is no body. */
  readonly response: z.ZodType | undefined;
  /** Undefined where there is only one kind of answer. */
  readonly other: { readonly status: 200; readonly response: z.ZodType } | undefined;
  readonly purpose: Purpose;
  readonly worksReadOnly: boolean;
  readonly takesJobTokens: boolean;
  readonly isPublic: boolean;
  readonly errors: readonly ErrorStatus[];
  /** Answers with one thing, of which an ETag tells whether it changed. */
  readonly isSingle: boolean;
  readonly isOutdated: boolean;
  readonly isText: boolean;
  /** Those that must not be turned off; undefined: it works whatever is. */
  readonly registries?: RegistryKind | undefined;
  /** Parameters that may be names of what {@link run} wants the numbers of. */
  readonly named: Readonly<Record<string, NamedKind>>;
  /** Names of parameters that are outdated. */
  readonly deprecated: readonly string[];
  /** Returns the body, or a {@link ListPart} or {@link OtherAnswer}. @throws RefusedError, also for input that does not fit */
  run(actor: Actor, given: Readonly<Record<string, unknown>>, request: RestRequest): Promise<unknown>;
}

const nothing = z.object({});

export function endpoint<
  P extends z.ZodObject = typeof nothing,
  Q extends z.ZodObject = typeof nothing,
  R extends z.ZodType = z.ZodNever,
  O extends z.ZodType = z.ZodNever,
>(declaration: WithBody<P, Q, R, O> | WithoutBody<P, Q>): Endpoint {
  const { method, path, summary, status, response, other, pathParams, params, errors } = declaration;
  const parse = inputParser(pathParams, params);
  const write = response && writerOf(response);
  const writeOther = other && writerOf(other.response);
  return {
    method,
    path,
    summary,
    status,
    response,
    other,
    pathParams: pathParams ?? nothing,
    params: params ?? nothing,
    purpose: declaration.purpose ?? (method === 'GET' ? 'read' : 'write'),
    worksReadOnly: declaration.worksReadOnly ?? method === 'GET',
    takesJobTokens: declaration.takesJobTokens ?? false,
    isPublic: declaration.isPublic ?? false,
    errors: errors ?? [],
    isSingle: method === 'GET' && response !== undefined && !(response instanceof z.ZodArray),
    isOutdated: declaration.isOutdated ?? false,
    isText: declaration.isText ?? false,
    named: namedIn(pathParams ?? nothing, params ?? nothing),
    deprecated: Object.entries(params?.shape ?? {}).flatMap(([name, schema]) =>
      schema.meta()?.deprecated === true ? [name] : [],
    ),
    run: async (actor, given, request) => {
      const said = declaration.refusesBlanks ? given : withoutBlanks(params?.shape ?? {}, given);
      const answer = await declaration.handle(actor, parse(said), request);
      if (answer instanceof OtherAnswer) return new OtherAnswer(answer.status, writeOther?.(answer.body));
      return answer instanceof ListPart ? answer.written(write) : write?.(answer);
    },
  };
}

/** An endpoint under a heading of the API document. */
export interface TaggedEndpoint extends Endpoint {
  readonly tag: string;
}

/** @param registries that must not be turned off for them to work */
export function tagged(
  tag: string,
  endpoints: readonly Endpoint[],
  registries?: RegistryKind,
): readonly TaggedEndpoint[] {
  return endpoints.map((each) => ({ ...each, tag, registries }));
}
