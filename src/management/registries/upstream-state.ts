/** What only the part that speaks to upstreams knows of them. */
import type { ConnectionTest } from '../../upstreams/test-connection.ts';
import type { UpstreamHealth, UpstreamSettings } from '../../upstreams/upstream.ts';

export interface ConnectionTester {
  /**
   * Asks the upstream by one HEAD, without effect on anything.
   * @param path below `/v2/`: `library/alpine/manifests/latest`
   */
  test(settings: UpstreamSettings, path: string): Promise<ConnectionTest>;
}

/** Undefined for an upstream that was not asked for anything yet. */
export type HealthOf = (upstreamId: number) => UpstreamHealth | undefined;
