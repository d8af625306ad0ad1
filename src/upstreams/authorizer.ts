/**
 * What to put into Authorization at one origin. With credentials its `/v2/` is asked how before all else, as a registry may hide what
 * is private from strangers; without them it is asked where an answer leaves that open. What was learnt is kept until it is refused.
 */
import { LRUCache } from 'lru-cache';
import type { IssuedToken, UpstreamTokens } from '../cache/upstream-tokens.ts';
import { SingleFlight } from '../concurrency/single-flight.ts';
import type { Answer } from '../outbound/answer.ts';
import { withDeadline } from '../outbound/deadline.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { Transport } from '../outbound/transport.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { UpstreamLogin } from './clouds/upstream-login.ts';
import { parseRealm } from './realm.ts';
import { toStatusError } from './status-error.ts';
import { basicAuthorization, exchangeToken } from './token-exchange.ts';
import type { BasicCredentials, UpstreamSettings } from './upstream.ts';

const maxScopes = 1000;
/** How long it is believed that a registry asks for nothing. */
const openMs = 60 * 60 * 1000;

type Bearer = { readonly kind: 'bearer'; readonly realm: URL; readonly service: string | undefined };
type Scheme = Bearer | { readonly kind: 'basic' } | { readonly kind: 'open'; readonly until: number };

export interface AuthorizerOptions {
  readonly settings: Pick<UpstreamSettings, 'id' | 'credentials' | 'tokenHost' | 'updatedAt'>;
  /** The registry's `/v2/`. */
  readonly base: URL;
  /** Whether a redirect led here, where only challenges that come by themselves are answered: its `/v2/` is not asked for one. */
  readonly isAway: boolean;
  readonly transport: Transport;
  /** What is sent for the credentials of the settings. */
  readonly login: Pick<UpstreamLogin, 'find' | 'reject'>;
  readonly tokens: UpstreamTokens;
  readonly tokenHosts: readonly string[];
  /** For a whole token exchange. */
  readonly answerMs: number;
  readonly now: () => number;
  /** What tokens are asked for; undefined: `pull`. */
  readonly actions?: 'pull,push' | undefined;
  /** Told of each token exchange; `error` is undefined where it gave a token. */
  readonly onExchange: (error: unknown, milliseconds: number) => void;
}

export class Authorizer {
  readonly #options: AuthorizerOptions;
  /** What challenges named, by repository. */
  readonly #scopes = new LRUCache<string, string>({ max: maxScopes });
  readonly #questions = new SingleFlight<Scheme>();
  #scheme: Scheme | undefined;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** What is likely to be accepted; undefined: nothing. @throws OutboundError */
  async prepare(repository: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    if (this.#options.settings.credentials && this.#known() === undefined) {
      // A registry that fails only there may challenge us elsewhere.
      await this.#question(repository, signal).catch((error: unknown) => {
        if (!(error instanceof OutboundError) || error.status === undefined) throw error;
      });
    }
    return this.#authorization(repository, signal);
  }

  /**
   * What to answer to a refusal, which is a 401, 403 or 404; undefined where there is nothing better than what was sent.
   * @param sent what was sent with the request
   * @throws OutboundError
   */
  async findBetter(
    refusal: Answer,
    repository: string,
    sent: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const { status } = refusal;
    if (status !== 401 && sent !== undefined) return undefined;
    const challenges = parseChallenges(refusal.header('www-authenticate'));
    const scheme = this.#schemeOf(challenges);
    const scope = challenges.find(isUsable)?.parameters.get('scope');
    if (scope) this.#scopes.set(repository, scope);
    if (scheme) this.#scheme = scheme;
    else if (challenges.length === 0 && sent === undefined) await this.#findOut(status, repository, signal);
    if (this.#scheme?.kind === 'basic' && sent !== undefined) {
      const login = await this.#options.login.find(signal);
      if (login && basicAuthorization(login) === sent) this.#options.login.reject(login);
    }
    if (this.#scheme?.kind === 'bearer' && sent !== undefined) {
      // What was no token of ours is none that is kept.
      this.#options.tokens.reject(this.#key(this.#scheme, repository), sent.slice('Bearer '.length));
    }
    const better = await this.#authorization(repository, signal);
    if (better !== sent) return better;
    if (sent !== undefined) this.#scheme = undefined;
    return undefined;
  }

  /** Of a refusal that says nothing of how to ask. Credentials are tried where the registry says nothing of it at all. */
  async #findOut(status: number, repository: string, signal: AbortSignal | undefined): Promise<void> {
    const { isAway, settings } = this.#options;
    if (isAway) return;
    const question = async () => this.#known() ?? (await this.#question(repository, signal));
    const scheme = await question().catch((error: unknown) => {
      // To a stranger the refusal is an answer; else it is not known whether it was meant for us.
      if (settings.credentials || !(error instanceof OutboundError)) throw error;
      return undefined;
    });
    if (scheme?.kind === 'open' && settings.credentials && status !== 404) this.#scheme = { kind: 'basic' };
  }

  /** What `/v2/` says of how to ask, as registries do to whoever is not let in. https://distribution.github.io/distribution/spec/api/#api-version-check */
  #question(repository: string, signal: AbortSignal | undefined): Promise<Scheme> {
    const { transport, base, answerMs, now } = this.#options;
    const ask = async (deadline: AbortSignal) => {
      const request = { method: 'GET', url: base, headers: {}, repository, redirects: 'follow' } as const;
      const answer = await transport.request(request, deadline);
      answer.discard();
      const error = toStatusError(answer, 'none', now());
      if (error.kind === 'unavailable' || error.kind === 'rate-limited') throw error;
      const isAsking = answer.status === 401 && answer.url.origin === base.origin;
      const challenges = parseChallenges(isAsking ? answer.header('www-authenticate') : undefined);
      this.#scheme = this.#schemeOf(challenges) ?? { kind: 'open', until: now() + openMs };
      return this.#scheme;
    };
    const limit = { ms: answerMs, setting: 'upstreams.answer_seconds' };
    const run = (unwanted: AbortSignal) => withDeadline(limit, unwanted, ask);
    return this.#questions.run('', run, signal).outcome;
  }

  #known(): Scheme | undefined {
    const scheme = this.#scheme;
    return scheme?.kind === 'open' && scheme.until <= this.#options.now() ? undefined : scheme;
  }

  /** Bearer where it is offered, and Basic where that is all that can be used. @throws OutboundError 'invalid' for a realm that may not be asked */
  #schemeOf(challenges: readonly Challenge[]): Scheme | undefined {
    const { settings, base, tokenHosts } = this.#options;
    const basic = settings.credentials && challenges.some(({ scheme }) => scheme === 'basic');
    const bearer = challenges.find(isUsable) ?? challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer === undefined) return basic ? { kind: 'basic' } : undefined;
    const { tokenHost, credentials } = settings;
    try {
      const rules = { tokenHost, tokenHosts, isConfidential: credentials !== undefined };
      const realm = parseRealm(bearer.parameters.get('realm'), base, rules);
      return { kind: 'bearer', realm, service: bearer.parameters.get('service') };
    } catch (error) {
      if (basic) return { kind: 'basic' };
      throw error;
    }
  }

  async #authorization(repository: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    if (this.#scheme?.kind === 'bearer') return this.#bearer(this.#scheme, repository, signal);
    const isSent = this.#scheme?.kind === 'basic' && this.#options.settings.credentials !== undefined;
    const login = isSent ? await this.#options.login.find(signal) : undefined;
    return login && basicAuthorization(login);
  }

  async #bearer(scheme: Bearer, repository: string, signal: AbortSignal | undefined): Promise<string> {
    const { settings, tokens, login, now, onExchange } = this.#options;
    const issue = async (unwanted: AbortSignal) => {
      const found = settings.credentials && (await login.find(unwanted));
      const startedAt = now();
      try {
        const issued = await this.#exchange(scheme, repository, found, unwanted).catch(
          async (error: unknown) => {
            const isRefused = error instanceof OutboundError && error.refusesCredentials;
            if (!isRefused || !found || !login.reject(found)) throw error;
            return this.#exchange(scheme, repository, await login.find(unwanted), unwanted);
          },
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

  #exchange(
    { realm, service }: Bearer,
    repository: string,
    credentials: BasicCredentials | undefined,
    unwanted: AbortSignal,
  ): Promise<IssuedToken> {
    const { transport, isAway, answerMs, now } = this.#options;
    const request = { realm, service, scopes: this.#scopesOf(repository), credentials, isAway };
    const limit = { ms: answerMs, setting: 'upstreams.answer_seconds' };
    return withDeadline(limit, unwanted, (deadline) => exchangeToken(transport, request, now(), deadline));
  }

  /** That of what is asked for, and those that the registry named, which may know it by another name or name it badly. */
  #scopesOf(repository: string): readonly [string, ...string[]] {
    const asked =
      repository === ''
        ? 'registry:catalog:*'
        : `repository:${repository}:${this.#options.actions ?? 'pull'}`;
    const named = new Set(this.#scopes.get(repository)?.match(/\S+/g));
    named.delete(asked);
    return [asked, ...named];
  }

  /** Other settings or credentials, other tokens; as JSON, so that no part can pass for another. */
  #key({ realm, service }: Bearer, repository: string): string {
    const { settings, isAway } = this.#options;
    const { id, updatedAt, credentials } = settings;
    const whose = [id, updatedAt, credentials, isAway];
    return JSON.stringify([...whose, realm.href, service, this.#scopesOf(repository)]);
  }
}

/** Whether it says where a token is to be had. */
function isUsable({ scheme, parameters }: Challenge): boolean {
  return scheme === 'bearer' && Boolean(parameters.get('realm'));
}
