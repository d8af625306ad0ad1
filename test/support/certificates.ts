/**
 * Certificates of an authority that nobody trusts, good for a hundred years: `server` for registry.corp.test, localhost and their
 * addresses, `elsewhere` for another host, `issued` of an intermediate authority, `expired`, and a client's.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export function pem(name: string): string {
  return readFileSync(resolve(import.meta.dirname, '../fixtures/authority', name), 'utf8');
}

export function pair(name: string): { readonly cert: string; readonly key: string } {
  return { cert: pem(`${name}.crt`), key: pem(`${name}.key`) };
}
