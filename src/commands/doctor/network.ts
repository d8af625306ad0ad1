/** What is reached from here: upstreams through their proxies and by the rules that hold for pulls, and the server itself. */
import { createMetrics } from '../../app/metrics/metrics.ts';
import { createOutbound } from '../../app/outbound.ts';
import { configuredUrl } from '../../app/setup-options.ts';
import { upstreamOptions } from '../../app/upstream-options.ts';
import { SecretBox } from '../../auth/credentials/secret-box.ts';
import type { Config } from '../../config/config.ts';
import { withoutPassword } from '../../config/format-config.ts';
import { probeBelow } from '../../management/registries/connection-tests.ts';
import { UpstreamSecrets } from '../../management/registries/upstream-settings.ts';
import type { UpstreamRecord } from '../../metadata/registries/upstreams.ts';
import type { Log } from '../../observe/log.ts';
import { localPathOf } from '../../upstreams/local-upstream.ts';
import { createTransport } from '../../upstreams/registry.ts';
import type { UpstreamSettings } from '../../upstreams/upstream.ts';
import { UpstreamPool } from '../../upstreams/upstream-pool.ts';
import { type Finding, fault, findings, ok, warning } from './finding.ts';
import { clockFinding } from './services.ts';

const answerMs = 5000;

export function lookAtProxies({ outbound, upstreams }: Config): readonly Finding[] {
  const { httpsProxy, httpProxy, noProxy } = outbound;
  const named = { https: httpsProxy, http: httpProxy, upstreams: upstreams.proxy };
  const shown = Object.entries(named).flatMap(([of, url]) =>
    url === undefined ? [] : [`${of}: ${url === 'direct' ? url : withoutPassword(url)}`],
  );
  const except = noProxy.length > 0 ? `; none for ${noProxy.join(', ')}` : '';
  return [ok('proxies', shown.length === 0 ? 'none' : `${shown.join(', ')}${except}`)];
}

/** Each as a pull would ask it; and its clock beside ours. */
export async function lookAtUpstreams(
  config: Config,
  upstreams: readonly UpstreamRecord[],
  key: Buffer,
  log: Log,
  now: () => number,
): Promise<readonly Finding[]> {
  const secrets = new UpstreamSecrets(new SecretBox(key));
  const options = {
    ...upstreamOptions(config, createOutbound(config)),
    shared: { find: async () => undefined, remember: async () => undefined },
    observer: createMetrics().upstreams,
    log,
    now,
  };
  const pool = new UpstreamPool(options);
  const remote = upstreams.filter(({ url }) => localPathOf(url) === undefined);
  const looks = remote.map((upstream) => {
    const part = `upstream ${upstream.name}`;
    return findings(part, `entrepot upstream test ${upstream.id} tries it again`, async () => {
      const settings = secrets.settingsOf(upstream);
      const test = await pool.test(settings, probeBelow(upstream.addPrefix));
      if (!test.success) return [fault(part, `${upstream.url}: ${test.result}`, howToReach(upstream))];
      const clock = await clockOf(settings, options);
      return [
        ok(part, `${upstream.url} can be pulled from`),
        ...(clock === undefined ? [] : [clockFinding(upstream.name, clock, now())]),
      ];
    });
  });
  try {
    return (await Promise.all(looks)).flat();
  } finally {
    await pool.close();
  }
}

function howToReach({ id, username }: UpstreamRecord): string {
  const credentials = username === undefined ? '' : ', its user and password';
  return `look at its address${credentials}, name server, proxies and firewalls; entrepot upstream test ${id} tries it again`;
}

/** By its Date header; undefined where it has none. */
async function clockOf(
  settings: UpstreamSettings,
  options: Parameters<typeof createTransport>[1],
): Promise<number | undefined> {
  const transport = createTransport(settings, options);
  try {
    const asked = {
      method: 'HEAD',
      url: new URL('/v2/', settings.url),
      headers: {},
      redirects: 'give',
    } as const;
    const answer = await transport.request(asked, AbortSignal.timeout(answerMs));
    const date = Date.parse(answer.header('date') ?? '');
    answer.discard();
    return Number.isNaN(date) ? undefined : date;
  } finally {
    await transport.close();
  }
}

/** Whether it runs is no fault. */
export async function lookAtServer(config: Config): Promise<readonly Finding[]> {
  const url = configuredUrl(config);
  const answer = await fetch(`${url}/v2/`, { signal: AbortSignal.timeout(answerMs) }).catch(() => undefined);
  if (!answer)
    return [warning('server', `nothing answers at ${url}`, 'npm start, or entrepot serve, starts it')];
  const isOurs = answer.headers.has('cache-status');
  return isOurs
    ? [ok('server', `answers at ${url}`)]
    : [fault('server', `something else answers at ${url}`, 'stop it, or set http.address')];
}
