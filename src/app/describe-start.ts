/** What people who start the server in a terminal are told beside the log. */
import { resolve } from 'node:path';
import type { FirstStart } from '../management/people/first-start.ts';
import { reachable } from './setup-options.ts';

/** Five lines for who looks at a terminal. @param url that clients know it by */
export function describeStart(dataDirectory: string, url: string): string {
  const { host, origin } = new URL(url);
  const known = reachable(host);
  return [
    `Listens  ${origin}`,
    `Page     ${origin.replace(host, known)}/`,
    `Log in   docker login ${known} -u root`,
    `Pull     docker pull ${known}/virtual_registries/container/1/library/alpine`,
    `Data     ${resolve(dataDirectory)}`,
    '',
  ].join('\n');
}

/** What an operator sees once: how to log in, and what to try. @param address host:port, or the host that clients know. */
export function describeFirstStart(
  { username, token, password, registryId }: FirstStart,
  address: string,
): string {
  const host = reachable(address);
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
    ...(password === undefined
      ? []
      : [
          `At the page, which a browser sees there, ${username} signs in with this password, shown only once, too:`,
          '',
          `  ${password}`,
          '',
        ]),
    `Virtual registry ${registryId} pulls from Docker Hub. To try it:`,
    '',
    `  docker login ${host} -u ${username}${token === undefined ? '' : ` -p ${token}`}`,
    `  docker pull ${host}/virtual_registries/container/${registryId}/library/alpine`,
    '',
    `Is the token lost? "entrepot token create --local --user ${username}" makes another.`,
    '',
    '',
  ].join('\n');
}
