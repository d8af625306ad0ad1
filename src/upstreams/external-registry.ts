/**
 * A registry beside ours that trusts our tokens, looked at and changed for those who manage its images through us: pulls and pushes go there by
 * themselves.
 */
import { z } from 'zod';
import { algorithmOf, type Digest, digestOf } from '../oci/digest.ts';
import { maxImageConfigBytes, parseImageConfig } from '../oci/image-config.ts';
import { findImageConfig, type ImageFacts, parseImageFacts } from '../oci/image-facts.ts';
import { manifestAccept } from '../oci/media-types.ts';
import { isRepositoryName, type Reference, type RepositoryName, type Tag } from '../oci/reference.ts';
import { UnavailableError } from '../oci/unavailable.ts';
import { parseJsonRecord } from '../oci/untrusted-json.ts';
import type { Answer } from '../outbound/answer.ts';
import { type Limit, withDeadline } from '../outbound/deadline.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import { Transport, type TransportOptions, type TransportRequest } from '../outbound/transport.ts';
import { readPages } from './list-pages.ts';
import { findDigest, readManifest } from './manifest-answer.ts';
import { toStatusError } from './status-error.ts';
import { type AskRegistry, listTags } from './tag-list.ts';

/** A quarter of them is used, as no layers are asked for. */
const maxConnections = 16;
const namesPerPage = 1000;
/** Of all pages together: some forty bytes for each. */
const maxCatalogBytes = 8 * 1024 * 1024;
/** So many are looked at before a manifest is deleted by its digest. */
const maxTagsToCompare = 1000;

const catalogSchema = z.object({ repositories: z.custom<readonly unknown[]>(Array.isArray).nullish() });

export interface ExternalRegistryOptions extends Omit<TransportOptions, 'maxConnections'> {
  readonly url: string;
  /** For all pages of a list together. */
  readonly listMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface ExternalImage {
  readonly digest: Digest;
  readonly mediaType: string | undefined;
  readonly facts: ImageFacts;
}

export interface TagDeletion {
  readonly sharedWith?: Tag;
}

interface Asked extends Pick<TransportRequest, 'method' | 'url'> {
  readonly headers?: Readonly<Record<string, string>>;
  readonly statuses: readonly number[];
}

export class ExternalRegistry {
  readonly #options: ExternalRegistryOptions;
  readonly #transport: Transport;

  constructor(options: ExternalRegistryOptions) {
    this.#options = options;
    this.#transport = new Transport({ ...options, maxConnections });
  }

  /** All that there are, in its order. @param token for its catalog. @throws UnavailableError */
  async listRepositories(token: string): Promise<readonly RepositoryName[]> {
    const asking = this.#asking(token);
    const first = new URL(`?n=${namesPerPage}`, asking.urlOf('_catalog'));
    const names = await withDeadline(this.#listLimit, undefined, async (signal) => {
      const found: RepositoryName[] = [];
      const pages = readPages(first, maxCatalogBytes, (url, parse) =>
        asking.ask({ method: 'GET', url, statuses: [200] }, signal, parse),
      );
      for await (const page of pages) {
        const listed = catalogSchema.safeParse(page);
        if (!listed.success) throw new OutboundError('invalid', 'sent a list of repositories that is none');
        for (const name of listed.data.repositories ?? [])
          if (typeof name === 'string' && isRepositoryName(name)) found.push(name);
      }
      return found;
    }).catch(unlessThere);
    if (names) return names;
    throw new UnavailableError('the external registry does not list its repositories');
  }

  /** In byte order; undefined where there is no such repository. @param token to pull. @throws UnavailableError */
  listTags(repository: RepositoryName, token: string): Promise<readonly Tag[] | undefined> {
    return this.#listTags(this.#asking(token), repository).catch(unlessThere);
  }

  /** What a tag names, with what its config says; undefined where there is none. @param token to pull. @throws UnavailableError */
  getImage(repository: RepositoryName, tag: Tag, token: string): Promise<ExternalImage | undefined> {
    return this.#getImage(this.#asking(token), repository, tag).catch(unlessThere);
  }

  /**
   * The tag alone. Where the registry only deletes by digest, the manifest goes, as long as no other tag names it.
   * @param token to pull and delete
   * @returns with another tag that names the same, where nothing was deleted for that; undefined where there is no such tag
   * @throws UnavailableError
   */
  deleteTag(repository: RepositoryName, tag: Tag, token: string): Promise<TagDeletion | undefined> {
    return this.#deleteTag(this.#asking(token), repository, tag).catch(unlessThere);
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  #listTags(asking: Asking, repository: RepositoryName): Promise<readonly Tag[]> {
    return withDeadline(this.#listLimit, undefined, (signal) => listTags(asking, repository, signal));
  }

  async #getImage(asking: Asking, repository: RepositoryName, tag: Tag): Promise<ExternalImage> {
    const { manifest } = await asking.ask(this.#manifest('GET', repository, tag), undefined, (answer) =>
      readManifest(answer, tag),
    );
    const json = parseJsonRecord(manifest.payload) ?? {};
    const config = findImageConfig(json);
    const bytes = config && (await this.#findConfig(asking, repository, config.digest));
    const facts = parseImageFacts(
      json,
      config && (bytes ? (parseImageConfig(bytes) ?? 'unreadable') : 'missing'),
    );
    return { digest: manifest.digest, mediaType: manifest.contentType, facts };
  }

  async #deleteTag(asking: Asking, repository: RepositoryName, tag: Tag): Promise<TagDeletion> {
    const remove = (reference: Reference) =>
      asking.ask(this.#manifest('DELETE', repository, reference), undefined, (answer) => answer.discard());
    try {
      await remove(tag);
      return {};
    } catch (error) {
      // Docker's registry 2 says 400, others 405.
      if (!(error instanceof OutboundError) || !error.isRefusal || error.kind !== 'invalid') throw error;
    }
    const digest = await this.#headDigest(asking, repository, tag);
    const others = (await this.#listTags(asking, repository)).filter((other) => other !== tag);
    if (others.length > maxTagsToCompare)
      throw new OutboundError(
        'invalid',
        `deletes by digest alone, and has more than ${maxTagsToCompare} tags there`,
      );
    for (const other of others)
      if ((await this.#headDigest(asking, repository, other)) === digest) return { sharedWith: other };
    await remove(digest);
    return {};
  }

  get #listLimit(): Limit {
    return { ms: this.#options.listMs, setting: 'upstreams.list_seconds' };
  }

  #urlOf(path: string): URL {
    return new URL(`${this.#options.url.replace(/\/+$/, '')}/v2/${path}`);
  }

  #manifest(method: Asked['method'], repository: RepositoryName, reference: Reference): Asked {
    const url = this.#urlOf(`${repository}/manifests/${reference}`);
    return {
      method,
      url,
      headers: { accept: manifestAccept },
      statuses: method === 'DELETE' ? [200, 202, 204] : [200],
    };
  }

  async #headDigest(asking: Asking, repository: RepositoryName, tag: Tag): Promise<Digest> {
    const digest = await asking.ask(this.#manifest('HEAD', repository, tag), undefined, (answer) => {
      answer.discard();
      return findDigest(answer);
    });
    if (digest === undefined) throw new OutboundError('invalid', 'does not say the digest of a manifest');
    return digest;
  }

  /** Undefined where it is not there, or not what its digest says. */
  async #findConfig(asking: Asking, repository: RepositoryName, digest: Digest): Promise<Buffer | undefined> {
    const url = this.#urlOf(`${repository}/blobs/${digest}`);
    try {
      const bytes = await asking.ask({ method: 'GET', url, statuses: [200] }, undefined, (answer) =>
        answer.read(maxImageConfigBytes),
      );
      return digestOf(bytes, algorithmOf(digest)) === digest ? bytes : undefined;
    } catch (error) {
      if (error instanceof OutboundError && error.isRefusal) return undefined;
      throw error;
    }
  }

  #asking(token: string): Asking {
    const limit = { ms: this.#options.answerMs, setting: 'upstreams.answer_seconds' };
    return {
      urlOf: (path) => this.#urlOf(path),
      ask: ({ method, url, headers, statuses }, unwanted, take) =>
        withDeadline(limit, unwanted, async (signal) => {
          const answer = await this.#transport.request(
            {
              method,
              url,
              headers: { ...headers, authorization: `Bearer ${token}` },
              redirects: method === 'DELETE' ? 'refuse' : 'follow',
            },
            signal,
          );
          if (!statuses.includes(answer.status)) {
            answer.discard();
            throw toStatusError(answer, 'sent', this.#options.now());
          }
          try {
            return await take(answer);
          } catch (error) {
            answer.destroy();
            throw error;
          }
        }),
    };
  }
}

interface Asking extends Pick<AskRegistry, 'urlOf'> {
  ask<T>(asked: Asked, signal: AbortSignal | undefined, take: (answer: Answer) => T | Promise<T>): Promise<T>;
}

/** Undefined where it says that there is none. @throws UnavailableError for what else it refused or failed of */
function unlessThere(error: unknown): undefined {
  if (!(error instanceof OutboundError)) throw error;
  if (error.kind === 'not-found') return undefined;
  throw new UnavailableError(`the external registry ${error.message}`, { cause: error });
}
