/** Variables that other programs know too. They stand between the defaults and the file; of several that say something the first counts. */
import type { Environment, Setting } from './settings.ts';

const variables: Readonly<Record<string, readonly string[]>> = {
  'outbound.https_proxy': ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'],
  'outbound.http_proxy': ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'],
  'outbound.no_proxy': ['no_proxy', 'NO_PROXY'],
  'outbound.ca_file': ['SSL_CERT_FILE'],
};

export function readCommonVariables(environment: Environment): Setting[] {
  return Object.entries(variables).flatMap(([path, names]) => {
    const origin = names.find((name) => environment[name]?.trim());
    const value = origin === undefined ? undefined : environment[origin];
    return origin === undefined || value === undefined ? [] : [{ path, value, origin }];
  });
}
