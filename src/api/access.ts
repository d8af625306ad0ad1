/**
 * Who asks on /v2, and may they pull. Each 401 says where tokens are to be had, since that is how clients find out.
 * https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/auth/token.md
 */
import type { Middleware } from 'koa';
import { carries } from '../auth/access.ts';
import type { Authenticator } from '../auth/authenticate.ts';
import { parseAuthorization } from '../auth/credentials.ts';
import type { Identity } from '../auth/identity.ts';
import type { PullRights } from '../auth/pull-rights.ts';
import { describeRefusal } from '../auth/refusal.ts';
import type { RegistryTokens } from '../auth/registry-tokens.ts';
import { OciError } from '../oci/errors.ts';
import { isRepositoryName, type RepositoryName } from '../oci/reference.ts';
import type { RequestContext, RequestState } from './state.ts';

export interface RegistryAccessOptions {
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  readonly registryTokens: Pick<RegistryTokens, 'findVerified' | 'verify'>;
  readonly pullRights: PullRights;
}

interface Challenge {
  readonly name?: string | undefined;
  readonly error?: 'invalid_token' | 'insufficient_scope';
  readonly detail: string;
}

/** Names may end in words of paths, so the last of them is the one that counts. */
const resourcePattern = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//;
const jwtPattern = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export class RegistryAccess {
  readonly #options: RegistryAccessOptions;

  constructor(options: RegistryAccessOptions) {
    this.#options = options;
  }

  /** Sets `ctx.state.identity`. @throws OciError UNAUTHORIZED with a challenge, TOOMANYREQUESTS */
  readonly middleware: Middleware<RequestState> = (ctx, next) => {
    const header = ctx.get('Authorization');
    const verified = header.startsWith('Bearer ')
      ? this.#options.registryTokens.findVerified(header.slice('Bearer '.length))
      : undefined;
    if (!verified) return this.#authenticate(ctx, header, next);
    ctx.state.identity = verified;
    return next();
  };

  /**
   * @throws OciError UNAUTHORIZED with a new challenge where the token is for something else;
   * NAME_UNKNOWN where there is no such repository or the user may not pull from it
   */
  async requirePull(ctx: RequestContext, name: RepositoryName): Promise<void> {
    const { identity } = ctx.state;
    if (identity.kind === 'registry-token') {
      if (carries(identity, name, 'pull')) return;
      throw challenge(ctx, {
        name,
        error: 'insufficient_scope',
        detail: `the token does not allow ${identity.subject} to pull from ${name}: ${possibleCauses}`,
      });
    }
    if (await this.#options.pullRights.mayPull(identity, name)) return;
    throw new OciError('NAME_UNKNOWN', { detail: `${name} cannot be pulled from: ${possibleCauses}` });
  }

  async #authenticate(ctx: RequestContext, header: string, next: () => Promise<unknown>): Promise<void> {
    ctx.state.identity = await this.#identify(ctx, header);
    await next();
  }

  async #identify(ctx: RequestContext, header: string): Promise<Identity> {
    const name = nameIn(ctx.path);
    const credentials = parseAuthorization(header);
    if (credentials === undefined) throw challenge(ctx, { name, detail: 'log in first' });
    if (credentials === 'invalid') {
      throw challenge(ctx, { name, detail: 'the Authorization header is neither Basic nor Bearer' });
    }
    if (credentials.kind === 'token' && jwtPattern.test(credentials.token)) {
      const bearer = await this.#options.registryTokens.verify(credentials.token);
      if (bearer) return bearer;
    }
    const authentication = await this.#options.authenticator.authenticate(credentials, ctx.state.address);
    if (authentication.kind === 'user') return authentication;
    const detail = describeRefusal(authentication);
    if (authentication.reason !== 'throttled') {
      throw challenge(ctx, { name, detail, ...(credentials.kind === 'token' && { error: 'invalid_token' }) });
    }
    const headers = { 'Retry-After': String(authentication.retryAfterSeconds ?? 1) };
    throw new OciError('TOOMANYREQUESTS', { detail, headers });
  }
}

const possibleCauses =
  'there may be no such virtual registry, the user may not be a member of its group (Guest or more), or their access token may lack the scope read_virtual_registry or api';

function challenge(ctx: RequestContext, { name, error, detail }: Challenge): OciError {
  const parameters = [`realm="${ctx.state.externalUrl}/jwt/auth"`, 'service="container_registry"'];
  if (name !== undefined) parameters.push(`scope="repository:${name}:pull"`);
  if (error !== undefined) parameters.push(`error="${error}"`);
  return new OciError('UNAUTHORIZED', {
    detail,
    headers: { 'WWW-Authenticate': `Bearer ${parameters.join(',')}` },
  });
}

/** The repository a path is about; undefined where it has none, or none that may stand in a header. */
function nameIn(path: string): string | undefined {
  const name = resourcePattern.exec(path)?.[1];
  return name !== undefined && isRepositoryName(name) ? name : undefined;
}
