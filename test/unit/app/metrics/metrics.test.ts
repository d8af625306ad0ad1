import { expect, test } from 'vitest';
import { createMetrics } from '../../../../src/app/metrics/metrics.ts';

test('what the observers are told can be read as Prometheus text', async () => {
  const metrics = createMetrics();
  metrics.requests.answered('GET', '/v2/', 200, 0.002);
  metrics.requests.served('miss', 100);
  metrics.requests.served('hit', 300);
  metrics.requests.served('hosted', 50);
  metrics.registry.pulled('manifest', 'collapsed');
  metrics.registry.pushed('blob');
  metrics.fills.started();
  metrics.fills.started();
  metrics.fills.followed();
  metrics.fills.resumed();
  metrics.fills.finished('completed');
  metrics.fills.spooled(70);
  metrics.fills.spooled(-20);
  metrics.upstreams.request('7', 'manifest-head', 'rate-limited', 0.2);
  metrics.upstreams.bytes('7', 100);
  metrics.upstreams.breaker('7', 'open');
  metrics.upstreams.quota('7', { limit: 100, remaining: 42, windowSeconds: 21_600, seenAt: 0 });
  const lines = (await metrics.render()).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'entrepot_requests_total{method="GET",route="/v2/",status="200"} 1',
      'entrepot_request_duration_seconds_bucket{le="0.005",route="/v2/"} 1',
      'entrepot_request_duration_seconds_bucket{le="0.001",route="/v2/"} 0',
      'entrepot_served_bytes_total{outcome="miss"} 100',
      'entrepot_served_bytes_total{outcome="hit"} 300',
      'entrepot_served_bytes_total{outcome="hosted"} 50',
      'entrepot_saved_bytes_total 300',
      'entrepot_pulls_total{kind="manifest",outcome="collapsed"} 1',
      'entrepot_pushes_total{kind="blob"} 1',
      'entrepot_fills_started_total 2',
      'entrepot_fills_active 1',
      'entrepot_fill_followers_total 1',
      'entrepot_fills_resumed_total 1',
      'entrepot_fills_finished_total{result="completed"} 1',
      'entrepot_spool_bytes 50',
      'entrepot_upstream_requests_total{upstream="7",kind="manifest-head",result="rate-limited"} 1',
      'entrepot_fetched_bytes_total{upstream="7"} 100',
      'entrepot_upstream_breaker{upstream="7",state="open"} 1',
      'entrepot_upstream_breaker{upstream="7",state="closed"} 0',
      'entrepot_upstream_quota_limit{upstream="7"} 100',
      'entrepot_upstream_quota_remaining{upstream="7"} 42',
    ]),
  );
  metrics.upstreams.forgotten('7');
  const later = await metrics.render();
  expect(later).toContain('entrepot_fetched_bytes_total{upstream="7"} 100');
  expect(later).not.toMatch(/entrepot_upstream_(?:breaker|quota_\w+)\{upstream="7"/);
  expect(lines.some((line) => line.startsWith('process_cpu_seconds_total'))).toBe(true);
});

test('two servers in one process count apart', async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.fills.followed();
  expect(await one.render()).toContain('entrepot_fill_followers_total 1');
  expect(await other.render()).toContain('entrepot_fill_followers_total 0');
});
