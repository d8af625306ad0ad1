/** What tests of transports are made of. */
import { onTestFinished } from 'vitest';
import { Transport, type TransportOptions, type TransportRequest } from '../../../src/outbound/transport.ts';

export function createTransport(options: Partial<TransportOptions> = {}): Transport {
  const transport = new Transport({
    connectMs: 5000,
    firstByteMs: 5000,
    idleMs: 5000,
    queueMs: 5000,
    answerMs: 5000,
    maxConnections: 8,
    allowedNetworks: ['127.0.0.1/32'],
    userAgent: 'entrepot/test',
    ...options,
  });
  onTestFinished(() => transport.close());
  return transport;
}

export function get(url: string | URL, more: Partial<TransportRequest> = {}): TransportRequest {
  return { method: 'GET', url: new URL(url), headers: {}, redirects: 'follow', ...more };
}
