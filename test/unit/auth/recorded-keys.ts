import type { SigningKeyRecord } from '../../../src/metadata/signing-keys.ts';

/** Records of signing keys in memory; `together` holds the first reads back until so many have come, as in a race. */
export class RecordedKeys {
  readonly rows: SigningKeyRecord[] = [];
  reads = 0;
  readonly #together: number;
  readonly #all = Promise.withResolvers<void>();

  constructor({ together = 0 } = {}) {
    this.#together = together;
  }

  async list(): Promise<readonly SigningKeyRecord[]> {
    this.reads += 1;
    const rows = this.rows.toSorted((a, b) => a.createdAt - b.createdAt);
    if (this.reads === this.#together) this.#all.resolve();
    if (this.reads <= this.#together) await this.#all.promise;
    return rows;
  }

  async add(row: SigningKeyRecord): Promise<void> {
    this.rows.push(row);
  }
}
