import { expect, test } from 'vitest';
import { connectionLimits } from '../../../src/app/connection-limits.ts';
import { silentLog } from '../../support/silent-log.ts';
import { KeptLog } from '../api/registry/registry-server.ts';

const http = {
  address: ':5000',
  externalUrl: undefined,
  relativeUrls: false,
  redirect: undefined,
  page: true,
  trustedProxies: ['10.0.0.0/8'],
  tls: { certificate: undefined, key: undefined },
  shutdownMs: 30_000,
  workers: 1,
  maxConnections: 4096,
  maxConnectionsPerAddress: 1024,
};

test('where enough files can be opened, the settings say how many may be connected', () => {
  for (const files of [undefined, { max: 1_000_000, open: 30 }]) {
    const { http: limits } = connectionLimits(http, files, silentLog);
    expect(limits).toMatchObject({ max: 4096, maxPerAddress: 1024 });
    expect([limits.isProxy('10.1.2.3'), limits.isProxy('192.0.2.1')]).toEqual([true, false]);
  }
});

test.each([
  [1024, 30, 489, 367],
  [64, 24, 12, 9],
  [16, 24, 4, 3],
])(
  'of %i files, of which %i are open, some are left for what is pulled, and a line says so',
  (max, open, connections, perAddress) => {
    const log = new KeptLog();
    const limits = connectionLimits(http, { max, open }, log);
    expect(limits.http).toMatchObject({ max: connections, maxPerAddress: perAddress });
    expect(limits.operations.max).toBeLessThanOrEqual(connections);
    expect(log.lines).toMatchObject([{ level: 'warn', fields: { connections, files: max } }]);
  },
);
