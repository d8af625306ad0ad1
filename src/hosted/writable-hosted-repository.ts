/** A repository of a project, as one writer has it; it need not have been made yet. */

import { MissingOwner } from '../metadata/db/violations.ts';
import type { Log } from '../observe/log.ts';
import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import { isDigestReference, type Reference, type RepositoryName } from '../oci/reference.ts';
import type {
  BlobHolder,
  ManifestPush,
  Outcome,
  StoredManifest,
  WritableRepository,
} from '../oci/repository.ts';
import { isPresent } from '../storage/keep-blob.ts';
import { deleteBlob, deleteManifest, deleteTag } from './changes/deletions.ts';
import type { PushTarget } from './changes/write-target.ts';
import type { HostedOptions } from './hosted-options.ts';
import { HostedRepository } from './hosted-repository.ts';
import { pushManifest } from './manifests/manifest-push.ts';
import { linkBlob } from './uploads/blob-links.ts';
import { RepositoryUploads, type UploadOptions } from './uploads/repository-uploads.ts';

export interface WritingOptions extends HostedOptions, UploadOptions {}

/** Outcomes that say that a blob's bytes are here. */
const atHand: readonly Outcome[] = ['hosted', 'hit', 'revalidated'];

export class WritableHostedRepository extends HostedRepository implements WritableRepository {
  readonly uploads: RepositoryUploads;
  readonly #options: WritingOptions;
  readonly #target: PushTarget;

  constructor(options: WritingOptions, target: PushTarget) {
    super(options, target.name, undefined);
    this.uploads = new RepositoryUploads(options, target);
    this.#options = options;
    this.#target = target;
  }

  putManifest(reference: Reference, push: ManifestPush): Promise<StoredManifest> {
    return pushManifest(this.#options, this.#target, reference, push);
  }

  deleteManifest(reference: Reference): Promise<void> {
    return this.#options.database.transaction((tx) =>
      isDigestReference(reference)
        ? deleteManifest(tx, this.#options, this.#target, reference)
        : deleteTag(tx, this.#options, this.#target, reference),
    );
  }

  deleteBlob(digest: Digest): Promise<void> {
    return this.#options.database.transaction((tx) => deleteBlob(tx, this.#options, this.#target, digest));
  }

  async mount(digest: Digest, source: BlobHolder, fromRepository?: RepositoryName): Promise<boolean> {
    const { database, store, log } = this.#options;
    if (!(await isAtHand(digest, source, log))) return false;
    const known = await database.blobs.find(digest);
    if (!known || !(await isPresent(store, known))) return false;
    try {
      return await database.transaction(async (tx) => {
        const record = await tx.blobs.find(digest);
        if (record?.storageKey !== known.storageKey) return false;
        await linkBlob(tx, this.#target, {
          digest,
          size: record.size,
          event: 'blob_mount',
          fromRepository,
        });
        return true;
      });
    } catch (error) {
      if (error instanceof MissingOwner) return false;
      throw error;
    }
  }
}

/** Whether the source has the blob at hand. One that cannot be asked counts as one that does not have it: the client uploads. */
async function isAtHand(digest: Digest, source: BlobHolder, log: Log): Promise<boolean> {
  try {
    return atHand.includes((await source.statBlob(digest)).outcome);
  } catch (error) {
    if (!(error instanceof OciError)) log.error({ err: error, digest }, 'the source of a mount failed');
    return false;
  }
}
