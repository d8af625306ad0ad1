/** Payloads and what they refer to, stored once by digest, in the transaction that links them. */
import type { Kysely } from 'kysely';
import { type Digest, hasherOf } from '../../oci/digest.ts';
import type { ManifestReference, ReferenceKind } from '../../oci/manifest.ts';
import { inBatches } from '../db/in-batches.ts';
import type { Tables } from '../db/tables.ts';

/** What a manifest refers to. primary key (manifestDigest, kind, digest); goes with the manifest's payload */
export interface ManifestReferenceTable {
  manifestDigest: Digest;
  kind: ReferenceKind;
  digest: Digest;
  mediaType: string;
  size: number;
}

/** Stores the payload where it is not there. Until the transaction ends it cannot be removed. */
export async function storePayload(
  tx: Kysely<Tables>,
  digest: Digest,
  payload: Buffer,
  references: readonly ManifestReference[],
  now: number,
): Promise<void> {
  const sha1 = hasherOf('sha1').update(payload).digest('hex');
  for (;;) {
    const stored = await tx
      .insertInto('manifests')
      .values({ digest, payload, size: payload.length, sha1, createdAt: now })
      .onConflict((conflict) => conflict.column('digest').doNothing())
      .returning('digest')
      .executeTakeFirst();
    if (stored) break;
    const known = tx.selectFrom('manifests').select('digest').where('digest', '=', digest).forKeyShare();
    // Else it was removed meanwhile.
    if (await known.executeTakeFirst()) return;
  }
  for (const batch of inBatches(references)) {
    await tx
      .insertInto('manifestReferences')
      .values(
        batch.map(({ kind, digest: referenced, mediaType, size }) => ({
          manifestDigest: digest,
          kind,
          digest: referenced,
          mediaType,
          size,
        })),
      )
      // A manifest may name the same layer twice.
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

/** What the payload of this digest refers to; the same in every repository. */
export function listReferences(tx: Kysely<Tables>, digest: Digest): Promise<readonly ManifestReference[]> {
  return tx
    .selectFrom('manifestReferences')
    .select(['kind', 'digest', 'mediaType', 'size'])
    .where('manifestDigest', '=', digest)
    .execute();
}

export function bufferOf(payload: Uint8Array): Buffer {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}
