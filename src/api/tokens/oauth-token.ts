/**
 * At /oauth/token an ID token is exchanged for a job token, for jobs that hand their right on to a tool.
 * https://www.rfc-editor.org/rfc/rfc8693#section-2
 */
import { Router } from '@koa/router';
import { logRefusedLogin } from '../../auth/credentials/login-log.ts';
import { describeRefusal } from '../../auth/credentials/refusal.ts';
import type { IdTokens } from '../../auth/oidc/id-tokens.ts';
import type { ApplicationSettings } from '../../management/server/application-settings.ts';
import type { JobTokenService } from '../../management/tokens/job-tokens.ts';
import { bodyParser, LateBody } from '../body-parser.ts';
import type { RequestContext, RequestState } from '../state.ts';

const maxFormBytes = 65_536;
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
/** An ID token is a JWT, and some clients call it so. */
const subjectTypes = ['urn:ietf:params:oauth:token-type:id_token', 'urn:ietf:params:oauth:token-type:jwt'];

export interface OAuthTokenOptions {
  readonly idTokens: Pick<IdTokens, 'verify'>;
  readonly jobTokens: Pick<JobTokenService, 'exchange'>;
  readonly maintenance: Pick<ApplicationSettings, 'readOnlyReason'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

class UnreadableForm extends Error {
  override readonly name = 'UnreadableForm';
}

export function oauthTokenRoutes(options: OAuthTokenOptions): Router<RequestState> {
  const router = new Router<RequestState>();
  const form = bodyParser({
    formLimit: maxFormBytes,
    onError: (cause) => {
      throw new UnreadableForm('the form was not read', { cause });
    },
  });
  router.post('/oauth/token', async (ctx, next) => {
    ctx.set('Cache-Control', 'no-store');
    try {
      await form(ctx, next);
    } catch (error) {
      if (!(error instanceof UnreadableForm)) throw error;
      const { cause } = error;
      if (cause instanceof LateBody) fail(ctx, 'invalid_request', cause.message, cause.status);
      else fail(ctx, 'invalid_request', `the body is no form of at most ${maxFormBytes} bytes`);
    }
  });
  router.post('/oauth/token', (ctx) => exchange(ctx, ctx.request.body, options));
  return router;
}

async function exchange(ctx: RequestContext, form: unknown, options: OAuthTokenOptions): Promise<void> {
  const grantType = parameterOf(form, 'grant_type');
  if (grantType !== exchangeGrant) {
    return fail(ctx, 'unsupported_grant_type', `grant_type must be ${exchangeGrant}`);
  }
  const subjectType = parameterOf(form, 'subject_token_type');
  if (!subjectTypes.some((type) => type === subjectType)) {
    return fail(ctx, 'invalid_request', `subject_token_type must be ${subjectTypes.join(' or ')}`);
  }
  const wanted = parameterOf(form, 'requested_token_type') ?? accessTokenType;
  if (wanted !== accessTokenType) {
    return fail(ctx, 'invalid_request', `requested_token_type must be ${accessTokenType}`);
  }
  const subjectToken = parameterOf(form, 'subject_token');
  if (subjectToken === undefined) return fail(ctx, 'invalid_request', 'subject_token is missing');
  const job = await options.idTokens.verify(subjectToken);
  const { address, log } = ctx.state;
  if (job === undefined) {
    const cause = 'no issuer of the subject_token is trusted';
    logRefusedLogin(log, { user: undefined, reason: 'unknown', cause, address });
    return fail(ctx, 'invalid_request', cause);
  }
  if (job.kind === 'refused') {
    logRefusedLogin(log, { ...job, user: undefined, address });
    return fail(ctx, 'invalid_request', describeRefusal(job));
  }
  const readOnlyReason = await options.maintenance.readOnlyReason();
  if (readOnlyReason !== undefined) return fail(ctx, 'temporarily_unavailable', readOnlyReason, 503);
  ctx.state.identity = job;
  const exchanged = await options.jobTokens.exchange(job, address);
  if (exchanged === undefined) return fail(ctx, 'invalid_request', 'the trust was removed meanwhile');
  const { token, record } = exchanged;
  ctx.body = {
    access_token: token,
    issued_token_type: accessTokenType,
    token_type: 'Bearer',
    expires_in: Math.floor((record.expiresAt - options.now()) / 1000),
  };
}

/** https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
function fail(ctx: RequestContext, error: string, description: string, status = 400): void {
  ctx.status = status;
  ctx.body = { error, error_description: description };
}

/** The parameter's text; undefined too where it is empty or there twice. */
function parameterOf(form: unknown, name: string): string | undefined {
  if (typeof form !== 'object' || form === null || !Object.hasOwn(form, name)) return undefined;
  const value: unknown = Reflect.get(form, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
