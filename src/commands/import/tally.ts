/** What came of an import: counts, and a line at once for what was left out. */
import type { Digest } from '../../oci/digest.ts';
import type { CopyObserver } from '../../replication/repository-copy.ts';

interface Amount {
  tags: number;
  manifests: number;
  blobs: number;
  /** Of blobs. */
  bytes: number;
}

export class Tally implements CopyObserver {
  readonly #print: (text: string) => void;
  readonly #new = none();
  /** Blobs that are in the store, and only had to be linked, count here. */
  readonly #here = none();
  readonly #added = new Set<Digest>();
  #repositories = 0;
  #leftOut = 0;
  #skipped = 0;

  constructor(print: (text: string) => void) {
    this.#print = print;
  }

  get skipped(): number {
    return this.#skipped;
  }

  repository(): void {
    this.#repositories += 1;
  }

  /** One that no rule is for. */
  leaveOut(): void {
    this.#leftOut += 1;
  }

  /** @param isNew it was not here */
  count(what: 'tags' | 'manifests', isNew: boolean): void {
    (isNew ? this.#new : this.#here)[what] += 1;
  }

  /** @param size in bytes. @param isNew its bytes were not here: in a dry run, each time that it is come across */
  blob(digest: Digest, size: number, isNew: boolean): void {
    const amount = isNew && !this.#added.has(digest) ? this.#new : this.#here;
    if (isNew) this.#added.add(digest);
    amount.blobs += 1;
    amount.bytes += size;
  }

  skip(what: string, reason: string): void {
    this.#skipped += 1;
    this.#print(`skipped: ${what}: ${reason}\n`);
  }

  describe(isDryRun: boolean): string {
    const done = isDryRun ? 'would be imported' : 'were imported';
    const lines = [
      `${this.#repositories} repositories: ${textOf(this.#new)} ${done}.`,
      `Here already: ${textOf(this.#here)}.`,
    ];
    if (this.#leftOut > 0) lines.push(`${this.#leftOut} repositories left out: no --map is for them.`);
    if (this.#skipped > 0) lines.push(`${this.#skipped} skipped: run this again once that is mended.`);
    return `${lines.join('\n')}\n`;
  }
}

function none(): Amount {
  return { tags: 0, manifests: 0, blobs: 0, bytes: 0 };
}

function textOf({ tags, manifests, blobs, bytes }: Amount): string {
  return `${tags} tags, ${manifests} manifests and ${blobs} blobs with ${bytes} bytes`;
}
