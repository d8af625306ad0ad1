/** Another server that trusts the tokens of ours, as an external registry does, by a key that ours is given. */
import { resolve } from 'node:path';
import { TestApp } from './app.ts';

const service = 'external.example.com';
const issuer = 'issuer of tokens';
const fileOf = (name: string) => resolve(import.meta.dirname, '../fixtures/authority', name);

/** Ends with the test that disposes of it. Projects have to be made there, too. */
export function startExternalRegistry(): Promise<TestApp> {
  const environment = {
    ENTREPOT_AUTH__TOKEN_REALM: 'https://ours.example.com/jwt/auth',
    ENTREPOT_AUTH__TOKEN_SERVICE: service,
    ENTREPOT_AUTH__TOKEN_ISSUER: issuer,
    ENTREPOT_AUTH__TOKEN_ROOTCERTBUNDLE: fileOf('issued.crt'),
  };
  return TestApp.start({ environment });
}

/** What ours is configured by. */
export function trustedBy(url: string): Record<string, string> {
  return {
    ENTREPOT_AUTH__SERVICES: service,
    ENTREPOT_AUTH__ISSUER: issuer,
    ENTREPOT_AUTH__KEY: fileOf('issued.key'),
    ENTREPOT_AUTH__CERTIFICATE: fileOf('issued.crt'),
    ENTREPOT_EXTERNAL_REGISTRY__API_URL: url,
    ENTREPOT_EXTERNAL_REGISTRY__SERVICE: service,
    ENTREPOT_EXTERNAL_REGISTRY__HOST: 'registry.example.com',
  };
}
