/**
 * One upstream object per configured upstream, so that connections, breaker and what was learnt of its tokens outlive a request.
 * Local upstreams have none of these: they are here so that their patterns are compiled once.
 */
import { UpstreamTokens } from '../cache/upstream-tokens.ts';
import { type AnyUpstream, LocalUpstream, localPathOf } from './local-upstream.ts';
import type { UpstreamOptions } from './registry.ts';
import { RemoteUpstream } from './remote-upstream.ts';
import { type ConnectionTest, testConnection } from './test-connection.ts';
import type { UpstreamHealth, UpstreamSettings } from './upstream.ts';

export class UpstreamPool {
  readonly #options: UpstreamOptions;
  readonly #upstreams = new Map<number, RemoteUpstream | LocalUpstream>();

  constructor(options: Omit<UpstreamOptions, 'tokens'>) {
    this.#options = { ...options, tokens: new UpstreamTokens(options.now) };
  }

  /**
   * The upstream with these settings. One with other settings is let go of, not closed: what is under way on it ends in its own time,
   * a fill that holds it may even resume, and its idle connections close by themselves.
   */
  get(settings: UpstreamSettings): AnyUpstream {
    const current = this.#upstreams.get(settings.id);
    if (current?.settings.updatedAt === settings.updatedAt) return current;
    const path = localPathOf(settings.url);
    const upstream =
      path === undefined ? new RemoteUpstream(settings, this.#options) : new LocalUpstream(settings, path);
    this.#upstreams.set(settings.id, upstream);
    return upstream;
  }

  /** Undefined for an upstream that was not asked for anything yet, and for a local one. */
  healthOf(id: number): UpstreamHealth | undefined {
    const upstream = this.#upstreams.get(id);
    return upstream instanceof RemoteUpstream ? upstream.health() : undefined;
  }

  /** For an upstream that was deleted; as in {@link get}, what is under way goes on. */
  forget(id: number): void {
    this.#upstreams.delete(id);
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
    const upstreams = [...this.#upstreams.values()].filter((each) => each instanceof RemoteUpstream);
    this.#upstreams.clear();
    await Promise.all(upstreams.map((upstream) => upstream.close()));
  }
}
