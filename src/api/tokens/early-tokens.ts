/**
 * The tokens that clients ask for by GET, one for each repository that they pull from, answered before koa, as the router would answer them.
 * What fails, and every other way to ask, is left to it.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { tokenPath } from '../challenge.ts';
import type { FindMirror } from '../mirrors.ts';
import { inertHeaders, type ReceivedRequest, type Requests } from '../requests.ts';
import { answerGet, namesOf, type TokenAnswer, type TokenRoutesOptions, unstored } from './token.ts';

export interface EarlyTokensOptions {
  readonly requests: Requests;
  readonly tokens: TokenRoutesOptions;
  /** As of warm pulls. */
  readonly findMirror: FindMirror;
}

const pathAndMark = `${tokenPath}?`;
const nameOf = namesOf(undefined);

/**
 * @param koa for what fails
 * @param otherwise for whatever asks for something else
 */
export function answerTokens(
  { requests, tokens, findMirror }: EarlyTokensOptions,
  koa: RequestListener,
  otherwise: RequestListener,
): RequestListener {
  return (request, response) => {
    const querystring = plainQuery(request);
    if (querystring === undefined) return otherwise(request, response);
    const state = requests.begin(request, response, findMirror(request));
    const authorization = request.headers.authorization ?? '';
    const question = { method: 'GET', path: tokenPath, querystring, authorization, state };
    answerGet(question, nameOf, tokens).then(
      (answer) => send(response, state, answer),
      () => {
        requests.handOver(request, state);
        koa(request, response);
      },
    );
  };
}

/** Undefined for every other request. */
function plainQuery({ method, url = '' }: IncomingMessage): string | undefined {
  const isPlain = method === 'GET' && url.startsWith(pathAndMark) && !url.includes('#');
  return isPlain ? url.slice(pathAndMark.length) : undefined;
}

function send(
  response: ServerResponse,
  state: ReceivedRequest,
  { status, message, headers, body }: TokenAnswer,
): void {
  state.route = tokenPath;
  const text = JSON.stringify(body);
  const bytes = Buffer.byteLength(text);
  state.sentBytes = bytes;
  if (message !== undefined) response.statusMessage = message;
  response.writeHead(status, {
    'X-Request-Id': state.requestId,
    ...inertHeaders,
    ...unstored,
    ...headers,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': bytes,
  });
  response.end(text);
}
