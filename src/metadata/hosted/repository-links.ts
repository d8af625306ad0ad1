/** What a repository's links of blobs and of manifests have in common. */
import type { Kysely } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { ReferenceKind } from '../../oci/manifest.ts';
import { inBatches } from '../db/in-batches.ts';
import type { Tables } from '../db/tables.ts';

/** The digests that the repository does not link, in their order. The links of the others cannot go until the transaction ends. */
export async function listUnlinked(
  db: Kysely<Tables>,
  table: 'repositoryBlobs' | 'repositoryManifests',
  repositoryId: number,
  digests: readonly Digest[],
): Promise<readonly Digest[]> {
  const linked = new Set<string>();
  for (const batch of inBatches(digests)) {
    const rows = await db
      .selectFrom(table)
      .select('digest')
      .where('repositoryId', '=', repositoryId)
      .where('digest', 'in', batch)
      .forKeyShare()
      .execute();
    for (const row of rows) linked.add(row.digest);
  }
  return digests.filter((digest) => !linked.has(digest));
}

/** Whether a manifest that the repository has refers to the digest as one of these. */
export async function isReferencedAs(
  db: Kysely<Tables>,
  kinds: readonly ReferenceKind[],
  repositoryId: number,
  digest: Digest,
): Promise<boolean> {
  const row = await db
    .selectFrom('manifestReferences as used')
    .innerJoin('repositoryManifests as owner', 'owner.digest', 'used.manifestDigest')
    .select('used.digest')
    .where('used.digest', '=', digest)
    .where('used.kind', 'in', kinds)
    .where('owner.repositoryId', '=', repositoryId)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
