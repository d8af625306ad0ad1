/**
 * /jwt/auth: registry tokens for who says who they are, and for what is public to everyone. GET as Docker asks, POST as OAuth 2 clients such as containerd do.
 * https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/auth/token.md and oauth.md; errors are GitLab's.
 */
import { Router } from '@koa/router';
import type { Next } from 'koa';
import type { Authentication, Authenticator } from '../../auth/credentials/authenticate.ts';
import { type Credentials, parseAuthorization } from '../../auth/credentials/credentials.ts';
import { logRefusedLogin } from '../../auth/credentials/login-log.ts';
import { describeRefusal, type Refusal } from '../../auth/credentials/refusal.ts';
import {
  type AnonymousIdentity,
  anonymous,
  nameOf,
  type Principal,
  type ScopeGrant,
} from '../../auth/rights/identity.ts';
import type { RepositoryRights } from '../../auth/rights/repository-rights.ts';
import { catalogScope, formatScope, parseScopes } from '../../auth/rights/scope.ts';
import type { GrantMetas } from '../../auth/tokens/grant-meta.ts';
import { grantScopes } from '../../auth/tokens/grants.ts';
import { ownServices, type RegistryTokens } from '../../auth/tokens/registry-tokens.ts';
import type { PersonalProjects } from '../../management/namespaces/personal-namespaces.ts';
import { OciError } from '../../oci/errors.ts';
import { virtualName } from '../../oci/reference.ts';
import { bodyParser, LateBody } from '../body-parser.ts';
import { mirrorTokenPath, tokenPath } from '../challenge.ts';
import type { DenialObserver } from '../denial-notes.ts';
import type { RequestContext, RequestState } from '../state.ts';

const maxFormBytes = 65_536;
const defaultService = 'container_registry';
/** The message is GitLab's. */
const pushProtected = 'Pushing to protected repository path forbidden';

export interface TokenRoutesOptions {
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  readonly registryTokens: Pick<RegistryTokens, 'issue' | 'serves'>;
  readonly rights: Pick<RepositoryRights, 'judge' | 'findProject'>;
  readonly grantMetas: Pick<GrantMetas, 'addTo'>;
  /** Makes what users push to in their own namespaces; undefined: they have none. */
  readonly personalProjects?: Pick<PersonalProjects, 'prepare'> | undefined;
  readonly observer?: GrantObserver | undefined;
}

/** What is asked by GET, of koa or before it. */
export interface TokenQuestion extends Asked {
  /** Without its `?`. */
  readonly querystring: string;
  /** The header; empty where there is none. */
  readonly authorization: string;
}

export interface TokenAnswer {
  readonly status: number;
  /** Of the status line, where it is not the usual one. */
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: object;
}

type Asked = Pick<RequestContext, 'method' | 'path' | 'state'>;

/** Learns what tokens are issued for, and to whom none is. */
export interface GrantObserver extends DenialObserver {
  granted(
    holder: Principal | AnonymousIdentity,
    grants: readonly ScopeGrant[],
    address: string | undefined,
  ): void;
}

export function tokenRoutes(options: TokenRoutesOptions): Router<RequestState> {
  const router = new Router<RequestState>();
  const form = bodyParser({
    maxFormTextBytes: maxFormBytes,
    onError: refuseForm,
  });
  for (const path of [tokenPath, mirrorTokenPath(':registryId')]) {
    router.get(path, storeNothing, async (ctx) => {
      const { method, path, querystring, state } = ctx;
      const question = { method, path, querystring, state, authorization: ctx.get('Authorization') };
      const {
        status,
        message,
        headers = {},
        body,
      } = await answerGet(question, namesOf(ctx.params['registryId']), options);
      ctx.status = status;
      if (message !== undefined) ctx.message = message;
      ctx.set(headers);
      ctx.body = body;
    });
    router.post(path, storeNothing, form, (ctx) =>
      answerPost(ctx, ctx.request.body, namesOf(ctx.params['registryId']), options),
    );
  }
  return router;
}

export const unstored = { 'Cache-Control': 'private, no-store' } as const;

function storeNothing(ctx: RequestContext, next: Next): Promise<void> {
  ctx.set(unstored);
  return next();
}

type NameOf = (repository: string) => string;

/** What names in scopes stand for: at the path of a mirror, images of its virtual registry. */
export function namesOf(registryId: string | undefined): NameOf {
  return (repository) =>
    registryId === undefined || repository.startsWith('virtual_registries/')
      ? repository
      : virtualName(registryId, repository);
}

/** @throws OciError SIZE_INVALID */
function refuseForm(cause: Error): never {
  if (cause instanceof LateBody)
    throw new OciError('SIZE_INVALID', { status: cause.status, detail: cause.message, cause });
  throw new OciError('SIZE_INVALID', { detail: `a form has at most ${maxFormBytes} bytes`, cause });
}

export async function answerGet(
  question: TokenQuestion,
  nameOf: NameOf,
  options: TokenRoutesOptions,
): Promise<TokenAnswer> {
  const parameters = new URLSearchParams(question.querystring);
  const service = parameters.get('service') ?? defaultService;
  if (!options.registryTokens.serves(service)) {
    return failed(404, 'UNAVAILABLE', 'there is no service of this name');
  }
  const scopes = parseScopes(parameters.getAll('scope'), nameOf);
  const credentials = parseAuthorization(question.authorization);
  // A request without a scope is a login, which takes credentials.
  if (credentials === undefined && !parameters.has('scope')) return failed(403, 'DENIED', 'access forbidden');
  const holder = credentials === undefined ? anonymous : await authenticate(question, credentials, options);
  if (holder.kind === 'refused') return refusedBasic(holder);
  const issued = await issue(question, holder, service, scopes, options);
  if (issued === 'protected') return failed(403, 'DENIED', pushProtected);
  return { status: 200, body: { token: issued.body.access_token, ...issued.body } };
}

/** Answers a POST. Refresh tokens are not issued, so that none can be good. */
async function answerPost(
  ctx: RequestContext,
  body: unknown,
  nameOf: NameOf,
  options: TokenRoutesOptions,
): Promise<void> {
  const parameters = new URLSearchParams(typeof body === 'string' ? body : '');
  const service = parameters.get('service') ?? defaultService;
  if (!options.registryTokens.serves(service)) {
    return failOAuth(ctx, 'invalid_request', 'there is no service of this name');
  }
  const grantType = parameters.get('grant_type');
  if (grantType === 'refresh_token') return failOAuth(ctx, 'invalid_grant', 'the refresh token is not valid');
  if (grantType !== 'password') {
    return failOAuth(ctx, 'unsupported_grant_type', 'grant_type must be password or refresh_token');
  }
  const [username, secret] = [parameters.get('username'), parameters.get('password')];
  if (!username || !secret) return failOAuth(ctx, 'invalid_request', 'username and password are needed');
  const holder = await authenticate(ctx, { kind: 'basic', username, secret }, options);
  if (holder.kind === 'refused') return refuseGrant(ctx, holder);
  const scopes = parseScopes(parameters.getAll('scope'), nameOf);
  const issued = await issue(ctx, holder, service, scopes, options);
  // On a 400 containerd asks again by GET: it shows the message of a refusal of that alone.
  if (issued === 'protected') return failOAuth(ctx, 'invalid_scope', pushProtected);
  ctx.body = { ...issued.body, token_type: 'Bearer', scope: issued.scope };
}

async function authenticate(
  { state: { address, log } }: Asked,
  credentials: Credentials | 'invalid',
  { authenticator }: TokenRoutesOptions,
): Promise<Authentication> {
  if (credentials !== 'invalid') return authenticator.authenticate(credentials, address, log);
  logRefusedLogin(log, { user: undefined, reason: 'unreadable', address });
  return { kind: 'refused', reason: 'unknown' };
}

/** protected: as at GitLab, whoever wants to push to a protected repository gets no token at all. */
async function issue(
  { method, path, state }: Asked,
  holder: Principal | AnonymousIdentity,
  service: string,
  scopes: readonly ScopeGrant[],
  { registryTokens, rights, grantMetas, personalProjects, observer }: TokenRoutesOptions,
) {
  state.identity = holder;
  // No token opens the catalog of another registry, which would list every repository it has: it does not know who may see which.
  const wanted = scopes.filter(({ type }) => type !== catalogScope.type || ownServices.includes(service));
  await personalProjects?.prepare(holder, wanted, state.address);
  const { granted, refused, protectedFromPush, omitted } = await grantScopes(holder, wanted, rights);
  if (protectedFromPush !== undefined) {
    observer?.denied(holder, { method, path, repository: protectedFromPush }, state.address);
    return 'protected' as const;
  }
  state.log.debug(
    { user: nameOf(holder), granted: granted.map(formatScope), refused: refused.map(formatScope) },
    'scopes were looked at',
  );
  const described = await grantMetas.addTo(holder, granted);
  const issued = await registryTokens.issue({ service, holder, access: described, refused, omitted });
  const without = omitted + granted.length - issued.access.length;
  if (without > 0) {
    state.log.info({ asked: wanted.length, without }, 'a registry token has no room for the first scopes');
  }
  observer?.granted(holder, issued.access, state.address);
  const body = {
    access_token: issued.token,
    expires_in: issued.expiresInSeconds,
    issued_at: new Date(issued.issuedAt).toISOString(),
  };
  return { body, scope: issued.access.map(formatScope).join(' ') };
}

function refusedBasic(refusal: Refusal): TokenAnswer {
  if (refusal.reason === 'throttled')
    return { ...failed(429, 'TOOMANYREQUESTS', describeRefusal(refusal)), headers: retryAfter(refusal) };
  const message = `HTTP Basic: Access denied. Reason: ${describeRefusal(refusal)}.`;
  return { status: 401, body: { errors: [{ code: 'UNAUTHORIZED', message }] } };
}

function refuseGrant(ctx: RequestContext, refusal: Refusal): void {
  failOAuth(ctx, 'invalid_grant', describeRefusal(refusal));
  if (refusal.reason !== 'throttled') return;
  ctx.set(retryAfter(refusal));
  ctx.status = 429;
}

function retryAfter({ retryAfterSeconds = 1 }: Refusal) {
  return { 'Retry-After': String(retryAfterSeconds) };
}

/** A failure in GitLab's shape, with the status once more in the body. The status line has the message too: containerd shows nothing else. */
function failed(status: number, code: string, message: string): TokenAnswer {
  return { status, message, body: { errors: [{ code, message }], http_status: status } };
}

/** https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
function failOAuth(ctx: RequestContext, error: string, description: string): void {
  ctx.status = 400;
  ctx.body = { error, error_description: description };
}
