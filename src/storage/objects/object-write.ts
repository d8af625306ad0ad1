/**
 * One object on its way into a bucket, by whoever goes on with it. What may exist there is in SQL before it does, and counts once it is in SQL
 * that it does: whoever takes it over, and whoever cleans up, needs no listing.
 */
import type { Digest } from '../../oci/digest.ts';
import type { StorageKey } from '../blob-store.ts';
import { TakenOverError } from '../upload-store.ts';
import { objectKeyOf, storageKeyOf } from './object-keys.ts';
import type { ObjectPart, ObjectStorage } from './object-storage.ts';
import type { Piece, WriteChanges, WriteRecord, WriteRecords } from './write-records.ts';

export interface WriteTools {
  /** The name of the store. */
  readonly store: string;
  readonly storage: ObjectStorage;
  readonly records: WriteRecords;
}

export class ObjectWrite {
  readonly #tools: WriteTools;
  readonly #claim: string;
  #record: WriteRecord;
  /** The last number is no part's yet. */
  #hasNumber = false;
  #isComplete = false;

  /** @param record is this claim's */
  constructor(tools: WriteTools, claim: string, record: WriteRecord) {
    this.#tools = tools;
    this.#claim = claim;
    this.#record = record;
  }

  get parts(): readonly ObjectPart[] {
    return this.#record.parts;
  }

  /** Of the parts, in bytes. */
  get partedBytes(): number {
    return sizeOf(this.parts);
  }

  /** What comes after the parts. */
  get pieces(): readonly { readonly key: string; readonly size: number }[] {
    const { id, pieces } = this.#record;
    return pieces
      .filter(({ isOver }) => !isOver)
      .map(({ number, size }) => ({ key: objectKeyOf(id, number), size }));
  }

  get piecedBytes(): number {
    return sizeOf(this.pieces);
  }

  get isSealed(): boolean {
    return this.#record.isSealed;
  }

  /** Of the object that the parts become. */
  get key(): string {
    return objectKeyOf(this.#record.id);
  }

  /** @param bytes of all pieces, and what comes after them. @throws ObjectStorageError, TakenOverError */
  async putPart(bytes: Uint8Array): Promise<void> {
    const { storage } = this.#tools;
    const partedId = this.#record.partedId ?? (await this.#begin());
    const number = await this.#takeNumber({ partedId });
    const write = { key: this.key, id: partedId };
    const tag = await storage.putPart(write, number, bytes, this.partedBytes);
    const part = { number, size: bytes.length, tag };
    // The next one has its number at no cost.
    await this.#save({ part, pieces: this.#record.pieces.map(over), number: number + 1 });
    this.#hasNumber = true;
    await this.#deletePieces();
  }

  /**
   * Puts what is too little for a part into an object of its own.
   * @param replaces whether it has the bytes of all pieces before, too
   * @throws ObjectStorageError, TakenOverError
   */
  async putPiece(bytes: Uint8Array, replaces: boolean): Promise<void> {
    const { id, pieces } = this.#record;
    const number = this.#record.pieceNumber + 1;
    const piece = { number, size: bytes.length, isOver: false };
    await this.#save({ pieceNumber: number, pieces: [...pieces, over(piece)] });
    await this.#tools.storage.put(objectKeyOf(id, number), bytes);
    await this.#save({ pieces: [...(replaces ? pieces.map(over) : pieces), piece] });
    await this.#deletePieces();
  }

  /** Nothing more comes: makes the object of its parts, all of which are put. @throws ObjectStorageError, TakenOverError */
  async seal(): Promise<void> {
    const { partedId, parts } = this.#record;
    if (this.#isComplete) return;
    if (partedId === undefined) throw new Error('nothing was put in parts');
    await this.#save({ isSealed: true });
    await this.#tools.storage.complete({ key: this.key, id: partedId }, parts);
    this.#isComplete = true;
  }

  /** It becomes a blob: the one piece that there is, or the object that was sealed. @throws TakenOverError */
  async commit(digest: Digest): Promise<StorageKey> {
    const { key } = this.pieces[0] ?? this;
    const storageKey = storageKeyOf(this.#tools.store, key);
    await this.#save({ committed: { digest, storageKey }, uploadId: null, claim: null });
    return storageKey;
  }

  /** For others to go on with. @throws TakenOverError */
  async release(): Promise<void> {
    await this.#save({ claim: null });
  }

  /** Removes what there is, unless somebody took it over. @throws ObjectStorageError, and somebody else removes it later */
  async abandon(): Promise<void> {
    const { storage, records } = this.#tools;
    const { id, hasBegun, partedId, isSealed, pieces } = this.#record;
    if (!(await records.save(id, this.#claim, { uploadId: null }))) return;
    if (hasBegun) await storage.abort({ key: this.key, id: partedId });
    if (isSealed) await storage.delete(this.key);
    for (const { number } of pieces) await storage.delete(objectKeyOf(id, number));
    await records.remove(id);
  }

  /** Its object stays, and is in the records of blobs: what else there is goes. @throws ObjectStorageError */
  async forget(): Promise<void> {
    const { storage, records } = this.#tools;
    const { id, hasBegun, partedId, isSealed, pieces } = this.#record;
    if (hasBegun && !isSealed) await storage.abort({ key: this.key, id: partedId });
    for (const { number, isOver } of pieces) if (isOver) await storage.delete(objectKeyOf(id, number));
    await records.remove(id);
  }

  async #begin(): Promise<string> {
    const { storage } = this.#tools;
    const { hasBegun } = this.#record;
    await this.#save({ hasBegun: true });
    // Nobody knows the id of what was begun before: it would stay for ever.
    if (hasBegun) await storage.abort({ key: this.key, id: undefined });
    return storage.begin(this.key);
  }

  /** Whoever was taken over may still put what has a number: nobody else may use it. */
  async #takeNumber(changes: WriteChanges): Promise<number> {
    if (!this.#hasNumber) await this.#save({ ...changes, number: this.#record.number + 1 });
    this.#hasNumber = false;
    return this.#record.number;
  }

  /** Those that are over; the records hear of it at the next occasion. What fails is tried again when the write is looked at later. */
  async #deletePieces(): Promise<void> {
    const { id, pieces } = this.#record;
    const left = pieces.map(async (piece) => {
      if (!piece.isOver) return [piece];
      const deleted = this.#tools.storage.delete(objectKeyOf(id, piece.number));
      return deleted.then(
        () => [],
        () => [piece],
      );
    });
    this.#record = { ...this.#record, pieces: (await Promise.all(left)).flat() };
  }

  async #save(changes: WriteChanges): Promise<void> {
    const { id, parts } = this.#record;
    const all = { pieces: this.#record.pieces, ...changes };
    if (!(await this.#tools.records.save(id, this.#claim, all))) throw new TakenOverError();
    const { part, claim, uploadId, committed, ...state } = all;
    this.#record = { ...this.#record, ...state, parts: part ? [...parts, part] : parts };
  }
}

function over(piece: Piece): Piece {
  return { ...piece, isOver: true };
}

function sizeOf(all: readonly { readonly size: number }[]): number {
  return all.reduce((bytes, { size }) => bytes + size, 0);
}
