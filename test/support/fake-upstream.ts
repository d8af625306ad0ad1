/** An upstream without a network: it has what a test gives it, fails or waits where the test says so, and tells what it was asked. */
import { untilAborted } from '../../src/concurrency/until-aborted.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import {
  parseRepositoryName,
  parseTag,
  type Reference,
  type RepositoryName,
} from '../../src/oci/reference.ts';
import { registryHostOf } from '../../src/oci/registry-host.ts';
import type { ReferrerDescriptor } from '../../src/oci/repository.ts';
import { OutboundError, type OutboundErrorKind } from '../../src/outbound/outbound-error.ts';
import {
  type FetchedManifest,
  type OpenedBlob,
  plainNetwork,
  type Upstream,
  type UpstreamHealth,
  type UpstreamSettings,
} from '../../src/upstreams/upstream.ts';
import type { FakeManifest } from './fake-content.ts';

type Question = 'HEAD manifest' | 'GET manifest' | 'HEAD blob' | 'GET blob' | 'tags' | 'referrers';

/** Bytes from `start` up to and without `end`. */
type Body = (start: number, end: number) => AsyncIterable<Buffer>;

export class FakeUpstream implements Upstream {
  readonly settings: UpstreamSettings;
  readonly host: string;
  /** As "HEAD manifest v1", "GET blob sha256:… 0-", "tags", in order. */
  readonly asked: string[] = [];
  /** Questions that were given up while they waited. */
  abandoned = 0;
  readonly blobs = new Map<Digest, Buffer>();
  readonly tags = new Map<string, Digest>();
  readonly referrers = new Map<Digest, ReferrerDescriptor[]>();
  readonly #manifests = new Map<Digest, FetchedManifest>();
  readonly #failures = new Map<Question, Error>();
  readonly #gates = new Map<Question, Promise<void>>();
  /** Whether HEAD of a manifest says its digest. */
  saysDigests = true;
  /** Whether a blob's size is said. */
  saysSizes = true;
  /** Whether a part of a blob is sent where only a part is asked for. */
  knowsRanges = true;
  /** In place of the bytes of blobs, one after the other. */
  readonly bodies: Body[] = [];
  /** Of blobs, that are open. */
  openBodies = 0;

  constructor(settings: Partial<UpstreamSettings> & { readonly id: number }) {
    this.settings = {
      name: `upstream ${settings.id}`,
      url: `https://upstream-${settings.id}.test`,
      credentials: undefined,
      allowPatterns: [],
      denyPatterns: [],
      allowPrivateNetwork: false,
      network: plainNetwork,
      cacheValidityHours: 24,
      updatedAt: 0,
      ...settings,
    };
    this.host = registryHostOf(this.settings.url);
  }

  /** With its blobs. */
  add({ digest, payload, mediaType, config, layers }: FakeManifest, ...tags: string[]): Digest {
    this.#manifests.set(digest, { digest, payload, contentType: mediaType, etag: undefined });
    for (const blob of [...layers, ...(config ? [config] : [])])
      this.blobs.set(blob.digest, Buffer.concat([...blob.read(0, blob.size)]));
    for (const tag of tags) this.tags.set(tag, digest);
    return digest;
  }

  addBlob(bytes: Buffer | string): Digest {
    const digest = digestOf(Buffer.from(bytes));
    this.blobs.set(digest, Buffer.from(bytes));
    return digest;
  }

  /** From now on, until {@link recover}. */
  fail(error: Error | OutboundErrorKind, ...questions: Question[]): void {
    const failure = typeof error === 'string' ? new OutboundError(error, `fails (${error})`) : error;
    for (const question of questions) this.#failures.set(question, failure);
  }

  recover(): void {
    this.#failures.clear();
  }

  /** Lets questions of a kind wait until what it returns is called. */
  hold(question: Question): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gates.set(question, promise);
    return () => {
      this.#gates.delete(question);
      resolve();
    };
  }

  repositoryOf(image: RepositoryName, isOwn = false): RepositoryName {
    return isOwn ? image : parseRepositoryName(`library/${image}`);
  }

  allows(image: RepositoryName): boolean {
    return !this.settings.denyPatterns.includes(image);
  }

  health(): UpstreamHealth {
    return {
      breaker: 'closed',
      openUntil: undefined,
      lastSuccessAt: undefined,
      lastError: undefined,
      quota: undefined,
    };
  }

  async headManifest(_: RepositoryName, reference: Reference, signal?: AbortSignal) {
    await this.#ask('HEAD manifest', ` ${reference}`, signal);
    const { digest } = this.#manifest(reference);
    return { digest: this.saysDigests ? digest : undefined };
  }

  async getManifest(_: RepositoryName, reference: Reference, signal?: AbortSignal) {
    await this.#ask('GET manifest', ` ${reference}`, signal);
    return this.#manifest(reference);
  }

  async headBlob(_: RepositoryName, digest: Digest, signal?: AbortSignal) {
    await this.#ask('HEAD blob', ` ${digest}`, signal);
    const { length } = this.#blob(digest);
    return this.saysSizes ? length : undefined;
  }

  async openBlob(
    _: RepositoryName,
    digest: Digest,
    { start: wanted, last }: { readonly start: number; readonly last?: number | undefined },
    signal?: AbortSignal,
  ): Promise<OpenedBlob> {
    await this.#ask('GET blob', ` ${digest} ${wanted}-${last ?? ''}`, signal);
    const bytes = this.#blob(digest);
    const { start, end } = this.knowsRanges
      ? { start: wanted, end: (last ?? bytes.length - 1) + 1 }
      : { start: 0, end: bytes.length };
    const body = (this.bodies.shift() ?? ((from, to) => inChunks(bytes, from, to)))(start, end);
    this.openBodies += 1;
    let isOpen = true;
    const close = () => {
      if (isOpen) this.openBodies -= 1;
      isOpen = false;
    };
    return { start, size: this.saysSizes ? bytes.length : undefined, body, close };
  }

  async listTags(_: RepositoryName, signal?: AbortSignal) {
    await this.#ask('tags', '', signal);
    return [...this.tags.keys()].sort().map(parseTag);
  }

  async listReferrers(_: RepositoryName, subject: Digest, signal?: AbortSignal) {
    await this.#ask('referrers', ` ${subject}`, signal);
    return this.referrers.get(subject) ?? [];
  }

  async close(): Promise<void> {}

  async #ask(question: Question, what: string, signal: AbortSignal | undefined): Promise<void> {
    this.asked.push(`${question}${what}`);
    signal?.throwIfAborted();
    const gate = this.#gates.get(question);
    if (gate) {
      await untilAborted(gate, signal).catch((error: unknown) => {
        this.abandoned += 1;
        throw error;
      });
    }
    const failure = this.#failures.get(question);
    if (failure) throw failure;
  }

  #manifest(reference: Reference): FetchedManifest {
    const found = this.#manifests.get(this.tags.get(reference) ?? (reference as Digest));
    if (!found) throw new OutboundError('not-found', 'does not have it (404)');
    return found;
  }

  #blob(digest: Digest): Buffer {
    const found = this.blobs.get(digest);
    if (!found) throw new OutboundError('not-found', 'does not have it (404)');
    return found;
  }
}

export const chunkBytes = 10_000;

export async function* inChunks(
  bytes: Buffer,
  start: number,
  end: number,
): AsyncGenerator<Buffer, void, undefined> {
  for (let at = start; at < end; at += chunkBytes)
    yield Buffer.from(bytes.subarray(at, Math.min(at + chunkBytes, end)));
}
