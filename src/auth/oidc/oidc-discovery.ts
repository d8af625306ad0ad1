/** What an issuer says of itself. https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata */
import { z } from 'zod';

/** Reads JSON. It bounds what it reads, and heeds the signal. */
export type FetchJson = (url: URL, signal: AbortSignal) => Promise<unknown>;

export const endpoint = z.url({ protocol: /^https?$/ });

/**
 * @param schema of what is needed of the document
 * @param issuer as in the `iss` of its tokens
 * @throws Error where the document cannot be had, is another issuer's, or would take what is secret from https to http
 */
export async function discover<T extends { readonly issuer: string }>(
  schema: z.ZodType<T>,
  issuer: string,
  fetchJson: FetchJson,
  signal: AbortSignal,
): Promise<T> {
  const at = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const said = schema.parse(await fetchJson(at, signal));
  if (said.issuer !== issuer) throw new Error('the discovery document is that of another issuer');
  const isPlain = (value: unknown) => typeof value === 'string' && URL.parse(value)?.protocol === 'http:';
  if (at.protocol === 'https:' && Object.values(said).some(isPlain)) {
    throw new Error('the discovery document leads from https to http');
  }
  return said;
}
