/**
 * The manifests that every pull asks for first, where they are at hand and it is known that they may be pulled: they are answered before
 * koa, with one look at the records at most, as the router would answer them. Whatever is not as plain as that is left to it.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { nameOf, type RegistryTokenIdentity } from '../../auth/rights/identity.ts';
import { isDigest } from '../../oci/digest.ts';
import { isRepositoryName, isTag, type Reference, type RepositoryName } from '../../oci/reference.ts';
import type { UpstreamChoice } from '../../oci/registry-host.ts';
import type { ManifestAnswer } from '../../oci/repository.ts';
import type { RegistryAccess } from '../access.ts';
import { type FindMirror, type Mirror, mirroredName } from '../mirrors.ts';
import { inertHeaders, type ReceivedRequest, type Requests } from '../requests.ts';
import { manifestHeaders } from './manifests.ts';
import { manifestRoute, readHeaders } from './router.ts';
import type { RegistryObserver } from './services.ts';

/** Undefined: there is none, or it takes more to answer. @param isPull whether it counts as a download. */
export type FindWarmManifest = (
  name: RepositoryName,
  reference: Reference,
  isPull: boolean,
  choice: UpstreamChoice | undefined,
) => ManifestAnswer | undefined | Promise<ManifestAnswer | undefined>;

export interface WarmManifestsOptions {
  readonly requests: Requests;
  readonly access: Pick<RegistryAccess, 'findPuller'>;
  readonly find: FindWarmManifest;
  /** Undefined: the request came to none. */
  readonly findMirror: FindMirror;
  readonly observer: Pick<RegistryObserver, 'pulled'>;
}

interface Question {
  readonly name: RepositoryName;
  readonly reference: Reference;
  readonly bearer: RegistryTokenIdentity;
  /** False for a HEAD. */
  readonly isPull: boolean;
  readonly choice: UpstreamChoice | undefined;
}

/** A path with nothing encoded in it. Only mirrors look at the query. */
const plainPath = /^\/v2\/([a-z0-9._/-]+)\/manifests\/([\w.:-]+)(?:\?|$)/;

/** @param otherwise koa */
export function answerWarmManifests(
  options: WarmManifestsOptions,
  otherwise: RequestListener,
): RequestListener {
  const { requests, find, findMirror, observer } = options;
  return (request, response) => {
    const mirror = findMirror(request);
    const question = questionOf(request, mirror, options);
    const answer = question && find(question.name, question.reference, question.isPull, question.choice);
    if (!answer && !mirror) return otherwise(request, response);
    const state = requests.begin(request, response, mirror);
    const finish = (found: ManifestAnswer | undefined) => {
      if (question && found) {
        send(response, state, question, found);
        observer.pulled('manifest', found.outcome);
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
  { access }: WarmManifestsOptions,
): Question | undefined {
  if ((method !== 'GET' && method !== 'HEAD') || headers['if-none-match'] !== undefined) return undefined;
  const [matched, said = '', reference = ''] = plainPath.exec(url) ?? [];
  if (matched === undefined) return undefined;
  const asked = mirror && mirroredName(mirror, said, url.slice(matched.length));
  const { name, choice } = asked ?? { name: said, choice: undefined };
  if (!isRepositoryName(name) || !(isTag(reference) || isDigest(reference))) return undefined;
  const bearer = access.findPuller(headers.authorization, name);
  return bearer && { name, reference, bearer, isPull: method === 'GET', choice };
}

function send(
  response: ServerResponse,
  state: ReceivedRequest,
  { name, reference, bearer, isPull }: Question,
  answer: ManifestAnswer,
): void {
  const { outcome, payload } = answer;
  state.identity = bearer;
  state.route = manifestRoute;
  state.outcome = outcome;
  state.sentBytes = isPull ? payload.length : 0;
  state.log.debug({ repository: name, action: 'pull', user: nameOf(bearer) }, 'access was allowed');
  response.writeHead(200, {
    'X-Request-Id': state.requestId,
    ...inertHeaders,
    ...readHeaders,
    ...manifestHeaders(answer, reference),
    'Content-Length': payload.length,
  });
  response.end(isPull ? payload : undefined);
}
