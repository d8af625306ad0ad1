/** Removes what a write has left in its bucket, by its record. */
import { uniqueName } from '../blob-tree.ts';
import { ObjectWrite, type WriteTools } from './object-write.ts';
import type { WriteRecord, WriteRecords } from './write-records.ts';

export interface LeftRecords extends WriteRecords {
  /** Gives one that no upload goes on with to a new claim. */
  takeLeft(id: string, claim: string): Promise<WriteRecord | undefined>;
  /** Whether there is a record of this write. */
  isKnown(id: string): Promise<boolean>;
}

export class ObjectCleaner {
  readonly #tools: WriteTools & { readonly records: LeftRecords };

  constructor(tools: WriteTools & { readonly records: LeftRecords }) {
    this.#tools = tools;
  }

  /**
   * And forgets it.
   * @param isKept whether its object is a blob that is recorded, and stays
   * @returns false where it has gone, or an upload goes on with it
   * @throws ObjectStorageError
   */
  async remove(id: string, isKept: boolean): Promise<boolean> {
    const claim = uniqueName();
    const record = await this.#tools.records.takeLeft(id, claim);
    if (!record) return false;
    const write = new ObjectWrite(this.#tools, claim, record);
    await (isKept ? write.forget() : write.abandon());
    return true;
  }
}
