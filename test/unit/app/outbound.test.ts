import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createOutbound } from '../../../src/app/outbound.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { pem } from '../../support/certificates.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const defaults = readFileSync(new URL('../../../config/default.yaml', import.meta.url), 'utf8');

function outboundOf(environment: Record<string, string>) {
  return createOutbound(loadConfig({ defaults, environment, readFile: () => '' }));
}

test('the authorities are what the file has, and there are none without one', async () => {
  const directory = await temporaryDirectory();
  const path = join(directory, 'ca.pem');
  writeFileSync(path, pem('authority.crt'));
  expect(outboundOf({ SSL_CERT_FILE: path }).trust.authorities).toEqual([pem('authority.crt')]);
  expect(outboundOf({}).trust.authorities).toEqual([]);
  writeFileSync(path, 'nothing');
  expect(() => outboundOf({ SSL_CERT_FILE: path })).toThrow(
    `outbound.ca_file: ${path} has no certificate in PEM (-----BEGIN CERTIFICATE-----)`,
  );
  expect(() => outboundOf({ SSL_CERT_FILE: `${path}x` })).toThrow(
    `outbound.ca_file: cannot read ${path}x: there is no such file or directory`,
  );
});

test('upstreams have a proxy of their own, or none, and hosts without one are the same', () => {
  const environment = { HTTPS_PROXY: 'one:1', HTTP_PROXY: 'two:2', NO_PROXY: 'exempt.test' };
  const urls = ['https://x.test', 'http://x.test', 'https://exempt.test'].map((url) => new URL(url));
  const hosts = (more: Record<string, string>) => {
    const { findProxy, findUpstreamProxy } = outboundOf({ ...environment, ...more });
    return [findProxy, findUpstreamProxy].map((find) =>
      urls.map((url) => {
        const proxy = find(url);
        return proxy && `${proxy.setting} ${proxy.url.host}`;
      }),
    );
  };
  const all = ['outbound.https_proxy one:1', 'outbound.http_proxy two:2', undefined];
  expect(hosts({})).toEqual([all, all]);
  expect(hosts({ ENTREPOT_UPSTREAMS__PROXY: 'three:3' })).toEqual([
    all,
    ['upstreams.proxy three:3', 'upstreams.proxy three:3', undefined],
  ]);
  expect(hosts({ ENTREPOT_UPSTREAMS__PROXY: 'direct' })).toEqual([all, [undefined, undefined, undefined]]);
});
