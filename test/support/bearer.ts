/** Registry tokens as clients get them. */
import { basicOf, type Secret } from './credentials.ts';

/** The Authorization header. @param secret undefined: nobody in particular @throws Error where there is no token */
export async function bearerOf(
  url: string,
  secret: Secret | undefined,
  ...scopes: readonly string[]
): Promise<string> {
  const query = new URLSearchParams(scopes.map((scope) => ['scope', scope]));
  query.set('service', 'container_registry');
  const answer = await fetch(`${url}/jwt/auth?${query}`, {
    ...(secret && { headers: { authorization: basicOf(secret) } }),
  });
  if (!answer.ok) throw new Error(`no token for ${scopes}: ${answer.status} ${await answer.text()}`);
  const { token } = (await answer.json()) as { readonly token: string };
  return `Bearer ${token}`;
}
