/** On real sockets: upstreams at IPv6 addresses, and behind what wants a client certificate. */
import { createServer as createPlainServer, type RequestListener, type Server } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { plainNetwork } from '../../../src/upstreams/upstream.ts';
import { pair, pem } from '../../support/certificates.ts';
import { createKit, image, latest } from './kit.ts';
import { listen } from './loopback-registry.ts';

const answer: RequestListener = (_request, response) => response.end('{}');
const pulled = { digest: digestOf(Buffer.from('{}')) };

/** @returns its port at ::1 */
async function listenAtIPv6(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe('an upstream at an IPv6 address', () => {
  test('is asked by it, and by a name that has it, with TLS and without', async () => {
    const plain = await listenAtIPv6(createPlainServer(answer));
    const tls = await listenAtIPv6(createServer(pair('server'), answer));
    const network = { ...plainNetwork, caCertificate: pem('authority.crt') };
    const resolve = async () => [{ address: '::1', family: 6 }];
    for (const url of [
      `http://[::1]:${plain}`,
      `http://registry.corp.test:${plain}`,
      `https://[::1]:${tls}`,
      `https://registry.corp.test:${tls}`,
    ]) {
      const { upstream } = createKit({ url, network, allowPrivateNetwork: true }, { resolve });
      expect(await upstream.getManifest(image, latest)).toMatchObject(pulled);
      await upstream.close();
    }
  });

  test.each(['[::1]', '[fd00:ec2::254]', '[::ffff:127.0.0.1]', '[64:ff9b::7f00:1]', '[fe80::1]'])(
    '%s is refused where it is not public',
    async (host) => {
      const { upstream } = createKit({ url: `http://${host}:5000` });
      await expect(upstream.getManifest(image, latest)).rejects.toThrow(/^address \S+ is /);
    },
  );

  test('its own certificate holds for it', async () => {
    const options = { ...pair('server'), ca: pem('authority.crt'), requestCert: true };
    const port = await listenAtIPv6(createServer(options, answer));
    const clientCertificate = { certificate: pem('client.crt'), key: pem('client.key') };
    const network = { ...plainNetwork, clientCertificate, tlsVerify: false };
    const settings = { url: `https://[::1]:${port}`, network, allowPrivateNetwork: true };
    const { upstream } = createKit(settings);
    expect(await upstream.getManifest(image, latest)).toMatchObject(pulled);
    await upstream.close();
  });
});

test('an upstream with TLS that answers 400 may want a client certificate, which is said', async () => {
  const server = createServer(pair('server'), (_request, response) => void response.writeHead(400).end());
  const { port } = await listen(server);
  const network = { ...plainNetwork, tlsVerify: false };
  const { upstream } = createKit({ url: `https://127.0.0.1:${port}`, network, allowPrivateNetwork: true });
  await expect(upstream.getManifest(image, latest)).rejects.toThrow('client_certificate and client_key');
  await upstream.close();
});
