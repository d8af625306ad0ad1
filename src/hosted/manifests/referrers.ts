/** The referrers of a subject: manifests that name it, and those that clients without the API listed under the fallback tag. */
import type { Records } from '../../metadata/db/records.ts';
import type { Digest } from '../../oci/digest.ts';
import { fallbackTag, parseReferrers } from '../../oci/referrers.ts';
import type { ReferrerDescriptor } from '../../oci/repository.ts';
import { parseJsonRecord } from '../../oci/untrusted-json.ts';

type ReferrerRecords = Pick<Records, 'repositoryManifests'>;

/** Each referrer once. */
export async function listReferrers(
  records: ReferrerRecords,
  repositoryId: number,
  subject: Digest,
): Promise<readonly ReferrerDescriptor[]> {
  const recorded = await records.repositoryManifests.listReferrers(repositoryId, subject);
  const merged = new Map(recorded.map((descriptor) => [descriptor.digest, descriptor]));
  for (const descriptor of await listTagged(records, repositoryId, subject)) {
    if (!merged.has(descriptor.digest)) merged.set(descriptor.digest, descriptor);
  }
  return [...merged.values()];
}

/** What the fallback tag's index lists and the repository still has: nobody updates that index when a referrer is deleted. */
async function listTagged(
  { repositoryManifests }: ReferrerRecords,
  repositoryId: number,
  subject: Digest,
): Promise<readonly ReferrerDescriptor[]> {
  const tagged = await repositoryManifests.findByTag(repositoryId, fallbackTag(subject));
  const listed = tagged ? (parseReferrers(parseJsonRecord(tagged.payload))?.descriptors ?? []) : [];
  if (listed.length === 0) return [];
  const digests = listed.map(({ digest }) => digest);
  const missing = new Set(await repositoryManifests.listMissing(repositoryId, digests));
  return listed.filter(({ digest }) => !missing.has(digest));
}
