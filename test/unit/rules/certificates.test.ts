import { describe, expect, test } from 'vitest';
import { demandKeyOf, PemError, parseCertificates } from '../../../src/rules/certificates.ts';
import { pem } from '../../support/certificates.ts';

const [client, clientKey, server] = ['client.crt', 'client.key', 'server.crt'].map(pem) as [
  string,
  string,
  string,
];

describe('certificates', () => {
  test('are those of the text, in their order, whatever stands between them', () => {
    const bundle = `# client\r\n${client.replaceAll('\n', '\r\n')}and the server's: ${server}`;
    expect(parseCertificates(bundle).map(({ subject }) => subject)).toEqual([
      'CN=entrepot',
      'CN=registry.corp.test',
    ]);
  });

  test.each([
    ['', 'has no certificate in PEM'],
    ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----', 'has no certificate in PEM'],
    [client.replace('END CERTIFICATE', 'END X'), 'has no certificate in PEM'],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 'has a certificate that cannot be read'],
    [client + clientKey, 'must have no private key'],
    [client + pem('client-encrypted.key'), 'must have no private key'],
  ])('are refused in %j', (text, message) => {
    expect(() => parseCertificates(text)).toThrow(PemError);
    expect(() => parseCertificates(text)).toThrow(message);
  });
});

describe('a key', () => {
  const [certificate] = parseCertificates(client);

  test('is that of its certificate', () => {
    expect(() => demandKeyOf(certificate, clientKey)).not.toThrow();
  });

  test.each([
    ['', 'is no private key in PEM'],
    [client, 'is no private key in PEM'],
    [pem('client-encrypted.key'), 'is encrypted'],
    [pem('server.key'), 'is the key of another certificate'],
  ])('is refused where it is none: %j', (text, message) => {
    expect(() => demandKeyOf(certificate, text)).toThrow(PemError);
    expect(() => demandKeyOf(certificate, text)).toThrow(message);
  });
});
