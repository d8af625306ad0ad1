/**
 * What an upstream is logged in to with: a name and a password, or what a cloud gives for a while. That is kept as tokens are, sealed for
 * other processes, and had anew shortly before it ends, by one exchange for all who wait.
 */
import type { UpstreamTokens } from '../../cache/upstream-tokens.ts';
import { type Limit, withDeadline } from '../../outbound/deadline.ts';
import { OutboundError } from '../../outbound/outbound-error.ts';
import type { Transport } from '../../outbound/transport.ts';
import type { BasicCredentials, UpstreamSettings } from '../upstream.ts';
import type { CloudIdentity, CloudRules } from './cloud-identity.ts';
import { exchangeLogin } from './exchange-login.ts';

/** What a registry refuses that is younger is refused for another reason: it is not asked for again. */
const minAgeMs = 60_000;

export interface UpstreamLoginOptions extends CloudRules {
  readonly settings: Pick<UpstreamSettings, 'id' | 'url' | 'credentials' | 'updatedAt'>;
  readonly transport: Transport;
  readonly tokens: UpstreamTokens;
  /** For a whole exchange. */
  readonly answerMs: number;
  /** How long nothing is asked for after an exchange that failed. */
  readonly breakerMs: number;
  readonly now: () => number;
  /** Told of each exchange; `error` is undefined where it gave a login. */
  readonly onExchange: (error: unknown, milliseconds: number) => void;
}

export class UpstreamLogin {
  readonly #options: UpstreamLoginOptions;
  readonly #limit: Limit;
  #issuedAt = Number.NEGATIVE_INFINITY;
  #failure: { readonly error: OutboundError; readonly until: number } | undefined;

  constructor(options: UpstreamLoginOptions) {
    this.#options = options;
    this.#limit = { ms: options.answerMs, setting: 'upstreams.answer_seconds' };
  }

  /** Undefined where there are no credentials. @throws OutboundError or the signal's reason */
  async find(signal?: AbortSignal): Promise<BasicCredentials | undefined> {
    const { credentials } = this.#options.settings;
    return isCloud(credentials) ? this.#cloudLogin(credentials, signal) : credentials;
  }

  /** Of one that was refused: whether another may be had. */
  reject({ username, password }: BasicCredentials): boolean {
    const { settings, tokens, now } = this.#options;
    const { credentials } = settings;
    if (!isCloud(credentials) || now() - this.#issuedAt < minAgeMs) return false;
    tokens.reject(this.#key(credentials), `${username}:${password}`);
    return true;
  }

  async #cloudLogin(identity: CloudIdentity, signal: AbortSignal | undefined): Promise<BasicCredentials> {
    const issue = async (unwanted: AbortSignal) => {
      const { username, password, lifetimeMs } = await this.#exchange(identity, unwanted);
      return { token: `${username}:${password}`, lifetimeMs };
    };
    const login = await this.#options.tokens.get(this.#key(identity), issue, signal);
    const colon = login.indexOf(':');
    return { username: login.slice(0, colon), password: login.slice(colon + 1) };
  }

  async #exchange(identity: CloudIdentity, unwanted: AbortSignal) {
    const { settings, transport, breakerMs, now, onExchange } = this.#options;
    if (this.#failure && now() < this.#failure.until) throw this.#failure.error;
    this.#failure = undefined;
    const startedAt = now();
    const asking = { registry: new URL(settings.url), transport, now };
    try {
      const login = await withDeadline(this.#limit, unwanted, (signal) =>
        exchangeLogin(identity, asking, this.#options, signal),
      );
      this.#issuedAt = now();
      onExchange(undefined, now() - startedAt);
      return login;
    } catch (error) {
      if (error instanceof OutboundError)
        this.#failure = { error, until: now() + Math.max(breakerMs, error.retryAfterMs ?? 0) };
      onExchange(error, now() - startedAt);
      throw error;
    }
  }

  /** Other settings, other logins; as JSON, so that no part can pass for another. */
  #key(identity: CloudIdentity): string {
    const { id, url, updatedAt } = this.#options.settings;
    return JSON.stringify(['login', id, url, updatedAt, identity]);
  }
}

export function isCloud(credentials: UpstreamSettings['credentials']): credentials is CloudIdentity {
  const provider = credentials?.provider ?? 'basic';
  return provider !== 'basic' && provider !== 'harbor-robot';
}
