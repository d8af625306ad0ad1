/**
 * What was granted, as registry tokens carry it: as the specification has it while that is short, and for ourselves the same in fewer
 * bytes where it is long. What does not fit into a header all the same is left out from the front: clients append what they ask for next.
 */
import { promisify } from 'node:util';
import { deflateRaw, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import type { CarriedGrant, ScopeGrant } from '../rights/identity.ts';

/** Size of the claims as JSON. A token with as much passes nginx, which takes lines of 8 KiB unless it is told otherwise. */
export const maxPlainBytes = 4096;
/** Size of the claims as JSON: a token has 15 KiB then, and common proxies and libraries take headers of 16. */
const maxBytes = 10_240;
/** Size of claims that were signed by us. */
const maxReadBytes = 1_048_576;

export interface TokenGrants {
  readonly access: readonly ScopeGrant[];
  /** What was asked for and not granted. */
  readonly refused: readonly ScopeGrant[];
  /** How many scopes were asked for that nobody looked at. */
  readonly omitted: number;
}

export interface WrittenGrants {
  readonly claims: object;
  /** The grants that the token carries. */
  readonly access: readonly ScopeGrant[];
}

const grantsSchema = z.array(
  z
    .object({
      type: z.string(),
      name: z.string(),
      actions: z.array(z.string()),
      project: z.number().int().exactOptional(),
      meta: z.object({ project_path: z.string() }).optional(),
    })
    .transform(({ meta, ...grant }): CarriedGrant => {
      return { ...grant, ...(meta && { projectPath: meta.project_path }) };
    }),
);

/** The claims of a token whose signature was verified. */
export const grantClaims = {
  access: grantsSchema,
  refused: grantsSchema.default([]),
  /** How many scopes that were asked for have no room. */
  omitted: z.number().int().exactOptional(),
  /** Says in fewer bytes what `access` and `refused` would say. */
  grants: z
    .string()
    .transform((text) => {
      const inflated = inflateRawSync(Buffer.from(text, 'base64url'), { maxOutputLength: maxReadBytes });
      return z.tuple([grantsSchema, grantsSchema]).parse(JSON.parse(inflated.toString()));
    })
    .exactOptional(),
};

/** @param isOurs whether we alone read it; others expect what is specified */
export async function writeGrants(given: TokenGrants, isOurs: boolean): Promise<WrittenGrants> {
  const { access, refused } = given;
  /** Writes the last ones; refusals are given up before grants, since whoever asks for one of those again only learns it again. */
  const write = async (count: number): Promise<readonly [WrittenGrants, bytes: number]> => {
    const kept = Math.min(count, access.length);
    const omitted = given.omitted + access.length - kept;
    const [granted, denied] = [lastOf(access, kept), lastOf(refused, count - kept)];
    const plain = {
      access: granted,
      ...(denied.length > 0 && { refused: denied }),
      ...(omitted > 0 && { omitted }),
    };
    const plainBytes = bytesOf(plain);
    if (!isOurs || plainBytes <= maxPlainBytes) return [{ claims: plain, access: granted }, plainBytes];
    const claims = { ...plain, access: [], refused: [], grants: await shorten(granted, denied) };
    return [{ claims, access: granted }, bytesOf(claims)];
  };
  let [fitting, tooMany] = [0, access.length + refused.length];
  let [best, bytes] = await write(tooMany);
  if (bytes <= maxBytes) return best;
  while (tooMany - fitting > 1) {
    const count = Math.floor((fitting + tooMany) / 2);
    const [written, size] = await write(count);
    if (size > maxBytes) tooMany = count;
    else [fitting, best] = [count, written];
  }
  if (fitting === 0) [best] = await write(0);
  return best;
}

async function shorten(...grants: readonly (readonly ScopeGrant[])[]): Promise<string> {
  return (await promisify(deflateRaw)(JSON.stringify(grants))).toString('base64url');
}

function lastOf<T>(items: readonly T[], count: number): readonly T[] {
  return items.slice(items.length - count);
}

export function bytesOf(value: object): number {
  return Buffer.byteLength(JSON.stringify(value));
}
