/** Uploads in the directory of a FilesystemBlobStore, so that a rename publishes them. */

import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../oci/digest.ts';
import { isSystemError } from '../oci/system-error.ts';
import { type Spool, SpoolError, type StorageKey } from './blob-store.ts';
import { BlobTree, uniqueName } from './blob-tree.ts';
import { listDirectory } from './directories.ts';
import { type Space, unlimitedSpace } from './disk-space.ts';
import { FilesystemSpool, writeFailure } from './filesystem-spool.ts';
import { anyStore, StoreAbsent, type StoreGuard } from './store-identity.ts';
import { fromStorage } from './unavailable-storage.ts';
import {
  bytesOf,
  createClaim,
  findClaim,
  freeClaim,
  freeClaimOf,
  type OpenClaim,
  openClaim,
  removeClaim,
  removeEmptyClaim,
  removeIfEmpty,
  takeAwayClaim,
} from './upload-claims.ts';
import { demandUploadId, isUploadId } from './upload-id.ts';
import { TakenOverError, type UploadStore } from './upload-store.ts';

const uploadsPath = 'v1/uploads';
/** Between the id and what makes the name of a new upload unique until it is in place. */
const draftMark = '.';
/** How often somebody else may be faster before that is an error. */
const maxTries = 100;

export class FilesystemUploadStore implements UploadStore {
  readonly #tree: BlobTree;
  readonly #uploads: string;
  readonly #guard: StoreGuard;
  readonly #space: Space;

  /** @param root as that of the FilesystemBlobStore that reads what is committed here */
  constructor(root: string, guard: StoreGuard = anyStore(root), space: Space = unlimitedSpace) {
    this.#space = space;
    this.#tree = new BlobTree(root);
    this.#guard = guard;
    this.#uploads = join(this.#tree.root, uploadsPath);
  }

  async openUpload(id: string, isNew = false): Promise<Spool> {
    const upload = this.#pathOf(id);
    this.#guard.demand();
    try {
      return await this.#spoolOf(await this.#claim(upload, isNew));
    } catch (cause) {
      if (cause instanceof StoreAbsent) throw cause;
      throw writeFailure('the upload cannot be opened', cause, this.#space);
    }
  }

  demandRoom(bytes: number): Promise<void> {
    return this.#space.demand(bytes);
  }

  async uploadLength(id: string): Promise<number> {
    return fromStorage(this.#findLength(this.#pathOf(id)));
  }

  async removeUpload(id: string): Promise<void> {
    return fromStorage(this.#remove(id, this.#pathOf(id)));
  }

  async listUploads(): Promise<readonly string[]> {
    await this.#guard.check();
    const names = await fromStorage(listDirectory(this.#uploads));
    const ids = names.map((name) => name.split(draftMark)[0] ?? name);
    return [...new Set(ids)].filter(isUploadId);
  }

  async #findLength(upload: string): Promise<number> {
    for (let tries = 0; tries < maxTries; tries += 1) {
      const claim = await findClaim(upload);
      if (!claim) {
        await this.#guard.check();
        return 0;
      }
      // Absent where it was taken over meanwhile, or where a process died before the first byte or after the commit.
      const size = await findSize(bytesOf(claim));
      if (size !== undefined) return size;
    }
    return 0;
  }

  async #remove(id: string, upload: string): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      const claim = await findClaim(upload);
      if (!claim) break;
      if (tries === maxTries) throw new SpoolError(fasterOthers('removed'));
      await takeAwayClaim(claim);
    }
    // What processes left that died while they ended it or began it.
    await removeIfEmpty(upload);
    const drafts = (await listDirectory(this.#uploads)).filter((name) =>
      name.startsWith(`${id}${draftMark}`),
    );
    await Promise.all(drafts.map((name) => rm(join(this.#uploads, name), { recursive: true, force: true })));
  }

  /** What is mostly so is tried first: each look at the directories has its price. */
  async #claim(upload: string, isNew: boolean): Promise<OpenClaim> {
    const create = (makesAll: boolean) =>
      createClaim(upload, `${upload}${draftMark}${uniqueName()}`, makesAll);
    const likely = await (isNew ? create(false) : openClaim(freeClaimOf(upload)));
    if (likely) return likely;
    for (let tries = 0; tries < maxTries; tries += 1) {
      const claim = await findClaim(upload);
      if (!claim) await this.#guard.check();
      const opened = await (claim ? openClaim(claim) : create(true));
      if (opened) return opened;
    }
    throw new SpoolError(fasterOthers('opened'));
  }

  async #spoolOf({ claim, file, isEmpty }: OpenClaim): Promise<Spool> {
    try {
      const { size } = isEmpty ? { size: 0 } : await file.stat();
      return new FilesystemSpool(file, size, {
        publish: (digest, sync) => this.#publish(claim, digest, sync),
        remove: () => removeClaim(claim).catch(() => undefined),
        leave: () => freeClaim(claim),
        space: this.#space,
      });
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #publish(claim: string, digest: Digest, sync: () => Promise<void>): Promise<StorageKey> {
    const bytes = bytesOf(claim);
    try {
      return await this.#tree.publish(bytes, digest, () => Promise.all([sync(), removeEmptyClaim(claim)]));
    } catch (error) {
      if (isSystemError(error, 'ENOENT') && (await findSize(bytes)) === undefined) throw new TakenOverError();
      throw error;
    }
  }

  #pathOf(id: string): string {
    return join(this.#uploads, demandUploadId(id));
  }
}

function fasterOthers(done: string): string {
  return `the upload cannot be ${done}: somebody else was faster ${maxTries} times`;
}

/** In bytes; undefined where there is no such file. */
async function findSize(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
