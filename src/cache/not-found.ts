/** Remembers briefly that an upstream said "not found". */
import type { Reference, RepositoryName } from '../oci/reference.ts';
import type { SharedCache } from './shared.ts';

/** Tags that signers and referrers write after the image: they may be there any moment. */
const signatureTag = /^sha(?:256|512)-[0-9a-f]{32,128}(?:\.[a-z]+)?$/;

export interface NotFoundOptions {
  readonly shared: SharedCache;
  readonly ttlMs: number;
  readonly signatureTtlMs: number;
}

interface Sought {
  /** The upstream with its settings' version: a changed upstream is asked again. */
  readonly upstream: { readonly id: number; readonly updatedAt: number };
  readonly repository: RepositoryName;
  readonly reference: Reference;
}

export class NotFound {
  readonly #options: NotFoundOptions;

  constructor(options: NotFoundOptions) {
    this.#options = options;
  }

  async has(sought: Sought): Promise<boolean> {
    return (await this.#options.shared.find(keyOf(sought))) !== undefined;
  }

  async remember(sought: Sought): Promise<void> {
    const { shared, ttlMs, signatureTtlMs } = this.#options;
    const ms = signatureTag.test(sought.reference) ? signatureTtlMs : ttlMs;
    if (ms > 0) await shared.remember(keyOf(sought), '1', ms);
  }
}

function keyOf({ upstream, repository, reference }: Sought): string {
  return `not-found ${upstream.id} ${upstream.updatedAt} ${repository} ${reference}`;
}
