/** Where and how clients are served. */
import {
  address,
  count,
  file,
  listOf,
  network,
  optional,
  origin,
  required,
  secondsOrNone,
  section,
} from './setting-values.ts';

const tls = section({ certificate: optional(file), key: optional(file) }).refine(
  ({ certificate, key }) => (certificate === undefined) === (key === undefined),
  'expected both certificate and key, or neither',
);

export const httpSettings = {
  address: required(address),
  externalUrl: origin(),
  trustedProxies: listOf(network()),
  tls,
  maxConnections: count(4, 1_000_000),
  maxConnectionsPerAddress: count(1, 1_000_000),
  shutdownSeconds: secondsOrNone(),
};
