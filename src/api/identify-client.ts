/** Finds out from the Authorization header who asks on /v2: with a registry token, or with credentials of any kind. */
import type { Authenticator } from '../auth/credentials/authenticate.ts';
import { isJwt, parseAuthorization } from '../auth/credentials/credentials.ts';
import { logRefusedLogin } from '../auth/credentials/login-log.ts';
import { describeRefusal } from '../auth/credentials/refusal.ts';
import { anonymous, type Identity, type ScopeGrant } from '../auth/rights/identity.ts';
import type { ExternalTokens } from '../auth/tokens/external-tokens.ts';
import type { RegistryTokens } from '../auth/tokens/registry-tokens.ts';
import { OciError } from '../oci/errors.ts';
import { challenge, type Fault, type TokenRealm } from './challenge.ts';
import type { RequestContext } from './state.ts';

/** Another token service, to which the say over hosted repositories is delegated. */
export interface DelegatedTokens extends TokenRealm {
  readonly tokens: Pick<ExternalTokens, 'findVerified' | 'verify' | 'explain'>;
}

export interface ClientIdentification {
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  readonly registryTokens: Pick<RegistryTokens, 'findVerified' | 'verify' | 'explain'>;
  readonly delegate?: DelegatedTokens | undefined;
  /**
   * False: requests without credentials are anonymous instead of challenged, at `/v2/` too, and what a token carries does
   * not matter. Credentials that are sent must be good all the same: whoever sends wrong ones wants to know.
   */
  readonly isLoginRequired: boolean;
}

/**
 * @param wanted what a challenge tells them to ask for
 * @throws OciError UNAUTHORIZED with a challenge, TOOMANYREQUESTS
 */
export async function identifyClient(
  ctx: RequestContext,
  header: string,
  wanted: () => readonly ScopeGrant[],
  options: ClientIdentification,
): Promise<Identity> {
  const { authenticator, delegate, isLoginRequired } = options;
  const { address, log } = ctx.state;
  const refuse = (fault: Fault) => challenge(ctx, wanted(), fault, delegate);
  const credentials = parseAuthorization(header);
  if (credentials === undefined) {
    if (!isLoginRequired || ctx.state.mirror?.isAnonymous) return anonymous;
    throw refuse({ detail: 'log in first' });
  }
  if (credentials === 'invalid') {
    logRefusedLogin(log, { user: undefined, reason: 'unreadable', address });
    throw refuse({ detail: 'the Authorization header is neither Basic nor Bearer' });
  }
  const registryToken = credentials.kind === 'token' && isJwt(credentials.token) && credentials.token;
  const bearer = registryToken && (await verify(registryToken, options));
  if (bearer) return bearer;
  const authentication = await authenticator.authenticate(credentials, address, log);
  if (authentication.kind !== 'refused') return authentication;
  if (registryToken) {
    throw refuse({ detail: await explain(ctx, registryToken, options), error: 'invalid_token' });
  }
  const detail = describeRefusal(authentication);
  if (authentication.reason !== 'throttled') {
    throw refuse({ detail, ...(credentials.kind === 'token' && { error: 'invalid_token' }) });
  }
  const headers = { 'Retry-After': String(authentication.retryAfterSeconds ?? 1) };
  throw new OciError('TOOMANYREQUESTS', { detail, headers });
}

async function verify(token: string, { registryTokens, delegate }: ClientIdentification) {
  return (await registryTokens.verify(token)) ?? delegate?.tokens.verify(token);
}

/** What helps whoever has a token that is not good; what is wrong with it is for the log. */
async function explain(
  { state: { address, log } }: RequestContext,
  token: string,
  { registryTokens, delegate }: ClientIdentification,
): Promise<string> {
  const fault = (await delegate?.tokens.explain(token)) ?? (await registryTokens.explain(token));
  log.info({ reason: fault.cause, address }, 'a registry token was refused');
  return fault.remedy;
}
