/** Virtual registries that are served without the prefix of their names, as operators write them. */
import { z } from 'zod';
import { address, count, flag, jsonList, listOf, required, unlessSaid } from './setting-values.ts';

const hostName = [
  (text: string) => text.length <= 253 && /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/i.test(text),
  'expected a host name such as mirror.example.com, without a port',
] as const;
export const registryHost = [
  (text: string) => /^[\w.-]+(?::[0-9]{1,5})?$/.test(text),
  'expected hosts of registries such as docker.io',
] as const;

const expected = 'expected host or address, registry, and what else is said of a mirror';

const mirror = z
  .strictObject(
    {
      host: unlessSaid(required(hostName)),
      address: unlessSaid(required(address)),
      registry: count(1, Number.MAX_SAFE_INTEGER),
      anonymous: flag().default(false),
      stands_for: listOf(required(registryHost)).default([]),
    },
    expected,
  )
  .refine(
    ({ host, address: port }) => (host === undefined) !== (port === undefined),
    'expected either a host or an address of its own',
  )
  .transform(({ host, stands_for: standsFor, ...given }) => ({
    ...given,
    host: host?.toLowerCase(),
    standsFor,
  }));

export type MirrorSetting = z.output<typeof mirror>;

/** In the environment as JSON. */
export function mirrorSettings() {
  return jsonList(mirror, 'expected a list of mirrors, in the environment as JSON').refine((mirrors) => {
    const places = mirrors
      .map(({ host, address: port }) => host ?? port)
      .filter((place) => !place?.endsWith(':0'));
    return new Set(places).size === places.length;
  }, 'expected another host or address for each mirror');
}
