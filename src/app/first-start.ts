/** What an operator sees once: how to log in, and what to try. */
import type { FirstStart } from '../management/people/first-start.ts';

/** @param address host:port, or the host that clients know. */
export function describeFirstStart({ username, token, registryId }: FirstStart, address: string): string {
  // Of all addresses of a machine, the one that Docker trusts without TLS.
  const host = address.replace(/^(?:0\.0\.0\.0|\[::\])?(?=:\d+$)/, '127.0.0.1');
  const secret =
    token === undefined
      ? [`Log in as ${username} with the token that ENTREPOT_ROOT_TOKEN holds.`]
      : [`The access token of ${username}, an administrator. It is shown only this once:`, '', `  ${token}`];
  return [
    '',
    `Entrepot's first start, at ${host}`,
    '',
    ...secret,
    '',
    `Virtual registry ${registryId} pulls from Docker Hub. To try it:`,
    '',
    `  docker login ${host} -u ${username}${token === undefined ? '' : ` -p ${token}`}`,
    `  docker pull ${host}/virtual_registries/container/${registryId}/library/alpine`,
    '',
    `Is the token lost? "entrepot token create --user ${username}" makes another.`,
    '',
    '',
  ].join('\n');
}
