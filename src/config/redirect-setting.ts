/** Where clients get blobs from the object storage by themselves: off, on, or on with what else is said of it. */
import { z } from 'zod';
import {
  bytesOrNone,
  duration,
  file,
  httpUrl,
  listOf,
  name,
  network,
  required,
  unlessSaid,
} from './setting-values.ts';

const expected =
  'expected off, on, or min_bytes, networks and what else is said of redirects, in the environment as JSON';
/** What smaller blobs cost is less to send than to point at: they are in memory. */
const leastBytes = 64 * 1024;
const expiresMs = 20 * 60 * 1000;
/** Signatures of S3 and Google are good for no longer. */
const maxExpiresMs = 7 * 86_400_000;

const redirect = z
  .strictObject(
    {
      min_bytes: bytesOrNone()
        .transform((bytes) => bytes ?? 0)
        .default(leastBytes),
      networks: listOf(network()).default([]),
      expires_seconds: duration()
        .refine((ms) => ms >= 1000 && ms <= maxExpiresMs, 'expected seconds from 1 to 7d, such as 90 or 20m')
        .default(expiresMs),
      base_url: unlessSaid(required(httpUrl)),
      key_pair_id: unlessSaid(required(name)),
      private_key: unlessSaid(required(file)),
    },
    expected,
  )
  .refine(
    ({ base_url: url, key_pair_id: id, private_key: key }) =>
      (id === undefined) === (key === undefined) && (id === undefined || url !== undefined),
    'expected key_pair_id and private_key together, with base_url',
  )
  .transform((given) => ({
    minBytes: given.min_bytes,
    networks: given.networks,
    expiresMs: given.expires_seconds,
    baseUrl: given.base_url,
    keyPairId: given.key_pair_id,
    privateKey: given.private_key,
  }));

export type RedirectSetting = z.output<typeof redirect>;

/** Undefined: off. */
export function redirectSetting() {
  const parse = (value: unknown): unknown => {
    if (value === 'on' || value === true) return {};
    if (typeof value !== 'string') return value === false ? undefined : value;
    if (value === 'off' || value === 'false' || value === '') return undefined;
    try {
      return value === 'true' ? {} : JSON.parse(value);
    } catch {
      return value;
    }
  };
  return z.preprocess(parse, redirect.optional());
}
