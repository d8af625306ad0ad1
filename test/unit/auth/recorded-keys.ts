import type { NewSigningKey, SigningKeyRecord } from '../../../src/metadata/tokens/signing-keys.ts';

/** Records of signing keys in memory; `together` holds the first reads back until so many have come, as in a race. */
export class RecordedKeys {
  rows: SigningKeyRecord[] = [];
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

  async add({ certificate, retiredAt, ...row }: NewSigningKey): Promise<void> {
    this.rows.push({ ...row, certificate, retiredAt });
  }

  async setRetired(kid: string, at: number): Promise<void> {
    this.#change(kid, (row) => ({ ...row, retiredAt: Math.min(row.retiredAt ?? at, at) }));
  }

  async ensureCertificate(kid: string, certificate: string): Promise<string | undefined> {
    this.#change(kid, (row) => ({ ...row, certificate: row.certificate ?? certificate }));
    return this.rows.find((row) => row.kid === kid)?.certificate;
  }

  async remove(kid: string): Promise<void> {
    this.rows = this.rows.filter((row) => row.kid !== kid);
  }

  #change(kid: string, change: (row: SigningKeyRecord) => SigningKeyRecord): void {
    this.rows = this.rows.map((row) => (row.kid === kid ? change(row) : row));
  }
}
