/** Uploads into a bucket: how far each has come is in SQL, so that any process goes on with it. */

import { type Spool, SpoolError } from '../blob-store.ts';
import { uniqueName } from '../blob-tree.ts';
import { demandUploadId } from '../upload-id.ts';
import type { UploadStore } from '../upload-store.ts';
import { ObjectSpool, type SpoolingTools } from './object-spool.ts';
import { ObjectWrite, type WriteTools } from './object-write.ts';

/** How often somebody else may be faster before that is an error. */
const maxTries = 100;
/** What an upload may need on the local disk at a time, whatever its size. */
const maxGatheredBytes = 128 * 1024 * 1024;

export interface ObjectStoreTools extends SpoolingTools, WriteTools {}

export class ObjectUploadStore implements UploadStore {
  readonly #tools: ObjectStoreTools;

  constructor(tools: ObjectStoreTools) {
    this.#tools = tools;
  }

  async openUpload(id: string, isNew = false): Promise<Spool> {
    demandUploadId(id);
    return new ObjectSpool(this.#tools, await this.#take(id, isNew));
  }

  demandRoom(bytes: number): Promise<void> {
    return this.#tools.spools.space.demand(Math.min(bytes, maxGatheredBytes));
  }

  async uploadLength(id: string): Promise<number> {
    const { records, store } = this.#tools;
    return records.findLength(store, demandUploadId(id));
  }

  async removeUpload(id: string): Promise<void> {
    const write = await this.#find(demandUploadId(id), uniqueName());
    await write?.abandon();
  }

  listUploads(): Promise<readonly string[]> {
    const { records, store } = this.#tools;
    return records.listUploads(store);
  }

  async #take(uploadId: string, isNew: boolean): Promise<ObjectWrite> {
    const claim = uniqueName();
    for (let tries = 0; tries < maxTries; tries += 1) {
      const write = isNew && tries === 0 ? undefined : await this.#find(uploadId, claim);
      const taken = write ?? (await startWrite(this.#tools, claim, uploadId));
      if (taken) return taken;
    }
    throw new SpoolError(`the upload cannot be opened: somebody else was faster ${maxTries} times`);
  }

  async #find(uploadId: string, claim: string): Promise<ObjectWrite | undefined> {
    const { records, store } = this.#tools;
    const record = await records.take(store, uploadId, claim);
    return record && new ObjectWrite(this.#tools, claim, record);
  }
}

/** Undefined where there is one for this upload. */
export async function startWrite(
  tools: WriteTools,
  claim: string,
  uploadId?: string,
): Promise<ObjectWrite | undefined> {
  const { records, store } = tools;
  const id = uniqueName();
  if (!(await records.create({ id, store, uploadId, claim }))) return undefined;
  return new ObjectWrite(tools, claim, {
    id,
    number: 0,
    pieceNumber: 0,
    hasBegun: false,
    pieces: [],
    isSealed: false,
    parts: [],
  });
}
