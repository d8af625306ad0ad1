/**
 * The manifests that every pull asks for first, and small blobs, where they are at hand and it is known that they may be pulled: they are
 * answered before koa, with one look at the records at most, as the router would answer them. Whatever is not as plain as that is left to
 * it.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { nameOf, type RegistryTokenIdentity } from '../../auth/rights/identity.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';
import { isRepositoryName, isTag, type Reference, type RepositoryName } from '../../oci/reference.ts';
import type { UpstreamChoice } from '../../oci/registry-host.ts';
import type { BytesAnswer } from '../../oci/repository.ts';
import type { RegistryAccess } from '../access.ts';
import { type FindMirror, type Mirror, mirroredName } from '../mirrors.ts';
import { inertHeaders, type ReceivedRequest, type Requests } from '../requests.ts';
import { acceptRanges } from './blobs.ts';
import { contentHeaders } from './content-headers.ts';
import { blobRoute, manifestRoute, readHeaders } from './router.ts';
import type { RegistryObserver } from './services.ts';

type Found = BytesAnswer | undefined | Promise<BytesAnswer | undefined>;

/** What is at hand. Undefined: there is none, or it takes more to answer. */
export interface WarmContent {
  /** @param isPull whether it counts as a download */
  findManifest(
    name: RepositoryName,
    reference: Reference,
    isPull: boolean,
    choice: UpstreamChoice | undefined,
  ): Found;
  /** All of it. @param isPull as above */
  findBlob(name: RepositoryName, digest: Digest, isPull: boolean, choice: UpstreamChoice | undefined): Found;
}

export interface WarmPullsOptions {
  readonly requests: Requests;
  readonly access: Pick<RegistryAccess, 'findPuller'>;
  readonly content: WarmContent;
  /** Undefined: the request came to none. */
  readonly findMirror: FindMirror;
  readonly observer: Pick<RegistryObserver, 'pulled'>;
}

interface Question {
  readonly kind: 'manifest' | 'blob';
  readonly name: RepositoryName;
  readonly reference: Reference;
  readonly bearer: RegistryTokenIdentity;
  /** False for a HEAD. */
  readonly isPull: boolean;
  readonly choice: UpstreamChoice | undefined;
}

/** A path with nothing encoded in it. Only mirrors look at the query. */
const plainPath = /^\/v2\/([a-z0-9._/-]+)\/(manifests|blobs)\/([\w.:-]+)(?:\?|$)/;

const kinds = {
  manifest: { route: manifestRoute, headers: { ...inertHeaders, ...readHeaders } },
  blob: { route: blobRoute, headers: { ...inertHeaders, ...readHeaders, ...acceptRanges } },
} as const;

/** @param otherwise koa */
export function answerWarmPulls(options: WarmPullsOptions, otherwise: RequestListener): RequestListener {
  const { requests, content, findMirror, observer } = options;
  return (request, response) => {
    const mirror = findMirror(request);
    const question = questionOf(request, mirror, options);
    const answer = question && find(content, question);
    if (!answer && !mirror) return otherwise(request, response);
    const state = requests.begin(request, response, mirror);
    const finish = (found: BytesAnswer | undefined) => {
      if (question && found) {
        send(response, state, question, found);
        observer.pulled(question.kind, found.outcome);
      } else {
        requests.handOver(request, state);
        otherwise(request, response);
      }
    };
    // What fails is the router's, which says why.
    if (answer instanceof Promise) answer.then(finish, () => finish(undefined));
    else finish(answer);
  };
}

function questionOf(
  { method, url = '', headers }: IncomingMessage,
  mirror: Mirror | undefined,
  { access }: WarmPullsOptions,
): Question | undefined {
  if ((method !== 'GET' && method !== 'HEAD') || headers['if-none-match'] !== undefined) return undefined;
  const [matched, said = '', plural, reference = ''] = plainPath.exec(url) ?? [];
  if (matched === undefined) return undefined;
  const kind = plural === 'blobs' ? 'blob' : 'manifest';
  // Of manifests there are no parts.
  if (kind === 'blob' && headers.range !== undefined) return undefined;
  const asked = mirror && mirroredName(mirror, said, url.slice(matched.length));
  const { name, choice } = asked ?? { name: said, choice: undefined };
  if (!isRepositoryName(name) || !(isDigest(reference) || (kind === 'manifest' && isTag(reference))))
    return undefined;
  const bearer = access.findPuller(headers.authorization, name);
  return bearer && { kind, name, reference, bearer, isPull: method === 'GET', choice };
}

function find(content: WarmContent, { kind, name, reference, isPull, choice }: Question): Found {
  if (kind === 'manifest') return content.findManifest(name, reference, isPull, choice);
  return isDigest(reference) ? content.findBlob(name, reference, isPull, choice) : undefined;
}

function send(
  response: ServerResponse,
  state: ReceivedRequest,
  { kind, name, reference, bearer, isPull }: Question,
  answer: BytesAnswer,
): void {
  const { outcome, payload } = answer;
  const { route, headers } = kinds[kind];
  state.identity = bearer;
  state.route = route;
  state.outcome = outcome;
  state.sentBytes = isPull ? payload.length : 0;
  state.log.debug({ repository: name, action: 'pull', user: nameOf(bearer) }, 'access was allowed');
  response.writeHead(200, {
    'X-Request-Id': state.requestId,
    ...headers,
    ...contentHeaders(answer, reference),
    'Content-Length': payload.length,
  });
  response.end(isPull ? payload : undefined);
}
