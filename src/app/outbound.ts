/** What holds for all that goes out: proxies, and the authorities that are believed. */
import type { Config } from '../config/config.ts';
import { readRegularFile } from '../config/regular-file.ts';
import { ConfigError } from '../config/settings.ts';
import { reasonOf } from '../config/system-reasons.ts';
import { createFindProxy, type FindProxy } from '../outbound/proxies.ts';
import type { Trust } from '../outbound/trust.ts';
import { PemError, parseCertificates } from '../rules/certificates.ts';

export interface Outbound {
  readonly findProxy: FindProxy;
  /** As `upstreams.proxy` has it. */
  readonly findUpstreamProxy: FindProxy;
  readonly trust: Trust;
}

/** @throws ConfigError where the authorities cannot be read */
export function createOutbound({ outbound, upstreams: { proxy } }: Config): Outbound {
  const { httpsProxy, httpProxy, noProxy, caFile } = outbound;
  const named = (url: string | undefined, setting: string) =>
    url === undefined ? undefined : { url: new URL(url), setting };
  const findProxy = createFindProxy({
    https: named(httpsProxy, 'outbound.https_proxy'),
    http: named(httpProxy, 'outbound.http_proxy'),
    noProxy,
  });
  const own = named(proxy === 'direct' ? undefined : proxy, 'upstreams.proxy');
  return {
    findProxy,
    findUpstreamProxy: proxy === undefined ? findProxy : createFindProxy({ https: own, http: own, noProxy }),
    trust: { authorities: caFile === undefined ? [] : [readAuthorities(caFile)] },
  };
}

function readAuthorities(path: string): string {
  try {
    const text = readRegularFile(path);
    parseCertificates(text);
    return text;
  } catch (error) {
    const fault =
      error instanceof PemError ? `${path} ${error.message}` : `cannot read ${path}: ${reasonOf(error)}`;
    throw new ConfigError([{ origin: '', path: 'outbound.ca_file', message: fault }]);
  }
}
