/**
 * One upstream object per configured upstream, so that connections, breaker and what was learnt of its tokens outlive a request.
 * Local upstreams have none of these: they are here so that their patterns are compiled once. What is not used for an hour is let
 * go of: it may be deleted, by whichever process.
 */
import { type SharedTokens, UpstreamTokens } from '../cache/upstream-tokens.ts';
import { type AnyUpstream, LocalUpstream, localPathOf } from './local-upstream.ts';
import type { UpstreamOptions } from './registry.ts';
import { RemoteUpstream } from './remote-upstream.ts';
import { type ConnectionTest, testConnection } from './test-connection.ts';
import type { UpstreamHealth, UpstreamSettings } from './upstream.ts';

const maxIdleMs = 3_600_000;

interface Pooled {
  readonly upstream: RemoteUpstream | LocalUpstream;
  usedAt: number;
}

export class UpstreamPool {
  readonly #options: UpstreamOptions;
  readonly #upstreams = new Map<number, Pooled>();
  #sweptAt = Number.NEGATIVE_INFINITY;

  /** @param box seals tokens that other processes may use; undefined: they use none */
  constructor(options: Omit<UpstreamOptions, 'tokens'>, box?: SharedTokens['box']) {
    const tokens = new UpstreamTokens(options.now, box && { cache: options.shared, box });
    this.#options = { ...options, tokens };
  }

  /**
   * The upstream with these settings. One with other settings is let go of, not closed: what is under way on it ends in its own time,
   * a fill that holds it may even resume, and its idle connections close by themselves.
   */
  get(settings: UpstreamSettings): AnyUpstream {
    const usedAt = this.#options.now();
    this.#sweep(usedAt);
    const current = this.#upstreams.get(settings.id);
    if (current?.upstream.settings.updatedAt === settings.updatedAt) {
      current.usedAt = usedAt;
      return current.upstream;
    }
    const path = localPathOf(settings.url);
    const upstream =
      path === undefined
        ? new RemoteUpstream(settings, this.#options)
        : new LocalUpstream(settings, path, this.#options.log);
    this.#upstreams.set(settings.id, { upstream, usedAt });
    return upstream;
  }

  /** Undefined for an upstream that was not asked for anything yet, or not for an hour, and for a local one. */
  healthOf(id: number): UpstreamHealth | undefined {
    const upstream = this.#upstreams.get(id)?.upstream;
    return upstream instanceof RemoteUpstream ? upstream.health() : undefined;
  }

  /**
   * @param settings of a remote upstream
   * @param path below `/v2/`, e.g. `library/alpine/manifests/latest`.
   */
  test(settings: UpstreamSettings, path: string): Promise<ConnectionTest> {
    return testConnection(settings, path, this.#options);
  }

  /** Ends everything under way. */
  async close(): Promise<void> {
    const upstreams = [...this.#upstreams.values()].map(({ upstream }) => upstream);
    this.#upstreams.clear();
    const remote = upstreams.filter((upstream) => upstream instanceof RemoteUpstream);
    await Promise.all(remote.map((upstream) => upstream.close()));
  }

  /** An upstream that is not to be asked before some later time is kept until then, or it would be asked before. */
  #sweep(now: number): void {
    if (now - this.#sweptAt < maxIdleMs) return;
    this.#sweptAt = now;
    for (const [id, { usedAt }] of this.#upstreams) {
      if (Math.max(usedAt, this.healthOf(id)?.openUntil ?? 0) > now - maxIdleMs) continue;
      this.#upstreams.delete(id);
      this.#options.observer.forgotten(String(id));
    }
  }
}
