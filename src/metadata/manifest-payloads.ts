/** Stores payloads once by digest. Part of the transaction that links them. */
import type { Kysely } from 'kysely';
import { type Digest, hasherOf } from '../oci/digest.ts';
import type { ManifestReference } from '../oci/manifest.ts';
import type { Tables } from './schema.ts';

/** Both databases limit the parameters of one statement. */
const referencesPerStatement = 1000;

export async function storePayload(
  tx: Kysely<Tables>,
  digest: Digest,
  payload: Buffer,
  references: readonly ManifestReference[],
  now: number,
): Promise<void> {
  const sha1 = hasherOf('sha1').update(payload).digest('hex');
  const stored = await tx
    .insertInto('manifests')
    .values({ digest, payload, size: payload.length, sha1, created_at: now })
    .onConflict((conflict) => conflict.column('digest').doNothing())
    .returning('digest')
    .executeTakeFirst();
  if (!stored) return;
  for (let start = 0; start < references.length; start += referencesPerStatement) {
    await tx
      .insertInto('manifest_references')
      .values(
        references.slice(start, start + referencesPerStatement).map((reference) => ({
          manifest_digest: digest,
          kind: reference.kind,
          digest: reference.digest,
          media_type: reference.mediaType,
          size: reference.size,
        })),
      )
      // A manifest may name the same layer twice.
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}
