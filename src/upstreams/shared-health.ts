/** What processes tell each other of how one upstream is doing, and may lose. Another version may have said it, or say it differently. */
import { z } from 'zod';
import type { SharedCache } from '../cache/shared.ts';
import type { Quota, UpstreamSettings } from './upstream.ts';

/** Why an upstream is left alone, and until when; epoch milliseconds. */
const refusalSchema = z.object({
  kind: z.enum(['rate-limited', 'unavailable']),
  message: z.string(),
  until: z.number(),
});
const quotaSchema = z.object({
  limit: z.number().optional(),
  remaining: z.number().optional(),
  windowSeconds: z.number().optional(),
  seenAt: z.number(),
});

export type Refusal = z.infer<typeof refusalSchema>;

const quotaMs = 60 * 60 * 1000;

export interface SharedHealthOptions {
  readonly cache: Pick<SharedCache, 'find' | 'remember'>;
  /** Of other settings nothing is known. */
  readonly settings: Pick<UpstreamSettings, 'id' | 'updatedAt'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export class SharedHealth {
  readonly #options: SharedHealthOptions;

  constructor(options: SharedHealthOptions) {
    this.#options = options;
  }

  async findRefusal(): Promise<Refusal | undefined> {
    const refusal = parse(refusalSchema, await this.#options.cache.find(this.#keyOf('refusal')));
    return refusal && refusal.until > this.#options.now() ? refusal : undefined;
  }

  /** Nobody waits for it. */
  tellRefusal(refusal: Refusal): void {
    this.#tell('refusal', refusal, refusal.until - this.#options.now());
  }

  async findQuota(): Promise<Quota | undefined> {
    const quota = parse(quotaSchema, await this.#options.cache.find(this.#keyOf('quota')));
    return quota && { limit: undefined, remaining: undefined, windowSeconds: undefined, ...quota };
  }

  /** Nobody waits for it. */
  tellQuota(quota: Quota): void {
    this.#tell('quota', quota, quotaMs);
  }

  #tell(what: string, value: object, ttlMs: number): void {
    if (ttlMs >= 1)
      void this.#options.cache.remember(this.#keyOf(what), JSON.stringify(value), Math.ceil(ttlMs));
  }

  /** The number is of the form of what is told. */
  #keyOf(what: string): string {
    const { id, updatedAt } = this.#options.settings;
    return `upstream-${what} 1 ${id} ${updatedAt}`;
  }
}

function parse<T>(schema: z.ZodType<T>, text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
