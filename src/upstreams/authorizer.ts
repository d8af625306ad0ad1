/**
 * What to put into Authorization for one upstream. It starts knowing nothing, learns from the first challenge, and from then on
 * gets a token before it asks. A challenge's own scope is used, because a registry behind a path knows its repositories by other names.
 */
import { LRUCache } from 'lru-cache';
import type { UpstreamTokens } from '../cache/upstream-tokens.ts';
import { withDeadline } from '../outbound/deadline.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { Transport } from '../outbound/transport.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { parseRealm } from './realm.ts';
import { unauthorized } from './status-error.ts';
import { basicAuthorization, exchangeToken } from './token-exchange.ts';
import type { UpstreamSettings } from './upstream.ts';

const maxScopes = 1000;

type Scheme =
  | { readonly kind: 'basic' }
  | { readonly kind: 'bearer'; readonly realm: URL; readonly service: string | undefined };

export interface AuthorizerOptions {
  readonly settings: Pick<UpstreamSettings, 'id' | 'url' | 'credentials' | 'updatedAt'>;
  readonly transport: Transport;
  readonly tokens: UpstreamTokens;
  readonly tokenHosts: readonly string[];
  /** For a whole token exchange. */
  readonly answerMs: number;
  readonly now: () => number;
  /** Told of each token exchange; `error` is undefined where it gave a token. */
  readonly onExchange: (error: unknown, milliseconds: number) => void;
}

export class Authorizer {
  readonly #options: AuthorizerOptions;
  /** By repository, where it is not the usual one. */
  readonly #scopes = new LRUCache<string, string>({ max: maxScopes });
  #scheme: Scheme | undefined;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** What is likely to be accepted, from what was learnt before; undefined: nothing. */
  async prepare(repository: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    const { credentials } = this.#options.settings;
    if (this.#scheme?.kind === 'basic') return credentials && basicAuthorization(credentials);
    return this.#scheme && this.#bearer(this.#scheme, repository, signal);
  }

  /**
   * What to answer to a 401.
   * @param refused what was sent with the request.
   * @throws OutboundError 'unauthorized' where there is nothing better to send.
   */
  async answer(
    header: string | undefined,
    repository: string,
    refused: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const { settings, tokens } = this.#options;
    const challenges = parseChallenges(header ?? '');
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer) {
      const scheme = this.#learn(bearer, repository);
      // What was no token of ours is none that is kept.
      if (refused !== undefined)
        tokens.reject(this.#key(scheme, repository), refused.slice('Bearer '.length));
      return this.#bearer(scheme, repository, signal);
    }
    if (!settings.credentials || !challenges.some(({ scheme }) => scheme === 'basic'))
      throw unauthorized(401, settings.credentials !== undefined);
    const authorization = basicAuthorization(settings.credentials);
    if (refused === authorization) throw unauthorized(401, true);
    this.#scheme = { kind: 'basic' };
    return authorization;
  }

  #learn({ parameters }: Challenge, repository: string): Scheme & { kind: 'bearer' } {
    const { settings, tokenHosts } = this.#options;
    const realm = parseRealm(parameters.get('realm'), new URL(settings.url), {
      tokenHosts,
      isConfidential: settings.credentials !== undefined,
    });
    const scheme = { kind: 'bearer', realm, service: parameters.get('service') } as const;
    const scope = parameters.get('scope');
    if (scope) this.#scopes.set(repository, scope);
    this.#scheme = scheme;
    return scheme;
  }

  async #bearer(
    scheme: Scheme & { kind: 'bearer' },
    repository: string,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const { transport, settings, tokens, answerMs, now, onExchange } = this.#options;
    const scopes = this.#scopeOf(repository).split(' ');
    const request = {
      realm: scheme.realm,
      service: scheme.service,
      scopes,
      credentials: settings.credentials,
    };
    const issue = async (unwanted: AbortSignal) => {
      const startedAt = now();
      try {
        const limit = { ms: answerMs, setting: 'upstreams.answer_seconds' };
        const issued = await withDeadline(limit, unwanted, (deadline) =>
          exchangeToken(transport, request, now(), deadline),
        );
        onExchange(undefined, now() - startedAt);
        return issued;
      } catch (error) {
        // The upstream may have another token service by now: ask it again, without a token.
        if (error instanceof OutboundError) this.#scheme = undefined;
        onExchange(error, now() - startedAt);
        throw error;
      }
    };
    return `Bearer ${await tokens.get(this.#key(scheme, repository), issue, signal)}`;
  }

  #scopeOf(repository: string): string {
    return this.#scopes.get(repository) ?? `repository:${repository}:pull`;
  }

  /** Other settings or credentials, other tokens; as JSON, so that no part can pass for another. */
  #key({ realm, service }: Scheme & { kind: 'bearer' }, repository: string): string {
    const { id, updatedAt, credentials } = this.#options.settings;
    return JSON.stringify([id, updatedAt, credentials, realm.href, service, this.#scopeOf(repository)]);
  }
}
