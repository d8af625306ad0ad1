/**
 * Several repositories behind one name, asked one after the other: the first that has it answers, or says that a policy keeps
 * it out. One that fails does not
 * keep the next from being asked; but where nobody has it, absence is not certain, and its failure is what is told.
 */
import { ImageRefused } from '../admission/admission.ts';
import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import { isDigestReference, type Reference } from '../oci/reference.ts';
import type {
  BlobAnswer,
  BlobStat,
  ManifestAnswer,
  Outcome,
  PageRequest,
  ReferrersAnswer,
  TagsAnswer,
} from '../oci/repository.ts';
import type { KeptBlob, WarmableRepository } from './prewarm/warmable-repository.ts';
import { mergedPage } from './tag-page.ts';

export interface OrderedPart {
  readonly repository: WarmableRepository;
  /** Whether it is on this server, so that asking it costs no network. */
  readonly isHere: boolean;
}

/** A merged list is worth no more than its parts; worst first. */
const worth: readonly Outcome[] = ['stale', 'miss', 'hit'];

export class OrderedRepository implements WarmableRepository {
  readonly #parts: readonly OrderedPart[];

  /** @param parts at least one, in the order of their priority */
  constructor(parts: readonly OrderedPart[]) {
    this.#parts = parts;
  }

  manifest(reference: Reference, isPull: boolean, signal?: AbortSignal): Promise<ManifestAnswer> {
    const parts = isDigestReference(reference) ? this.#hereFirst() : this.#parts;
    return firstOf(parts, (repository) => repository.manifest(reference, isPull, signal));
  }

  blob(digest: Digest, signal?: AbortSignal): Promise<BlobAnswer> {
    return firstOf(this.#hereFirst(), (repository) => repository.blob(digest, signal));
  }

  statBlob(digest: Digest, signal?: AbortSignal): Promise<BlobStat> {
    return firstOf(this.#hereFirst(), (repository) => repository.statBlob(digest, signal));
  }

  keepBlob(digest: Digest, signal?: AbortSignal): Promise<KeptBlob> {
    return firstOf(this.#hereFirst(), (repository) => repository.keepBlob(digest, signal));
  }

  /** Those of all parts together, because a pull finds any of them. */
  async tags(page: PageRequest, signal?: AbortSignal): Promise<TagsAnswer> {
    const results = await Promise.all(
      this.#parts.map(({ repository }) => repository.tags(page, signal).catch(ociErrorOf)),
    );
    const lists: TagsAnswer[] = [];
    const errors: OciError[] = [];
    for (const result of results) {
      if (result instanceof OciError) errors.push(result);
      else lists.push(result);
    }
    if (lists.length === 0) throw combined(errors);
    return merged(lists, page);
  }

  /** Of the first part that knows any. */
  async referrers(subject: Digest, signal?: AbortSignal): Promise<ReferrersAnswer> {
    const errors: OciError[] = [];
    let empty: ReferrersAnswer | undefined;
    for (const { repository } of this.#parts) {
      const result = await repository.referrers(subject, signal).catch(ociErrorOf);
      if (result instanceof OciError) errors.push(result);
      else if (result.descriptors.length > 0) return result;
      else empty ??= result;
    }
    const failure = errors.find(isFailure);
    if (empty && !failure) return empty;
    throw combined(errors);
  }

  #hereFirst(): readonly OrderedPart[] {
    return hereFirst(this.#parts, (part) => part.isHere);
  }
}

/**
 * The order for what is asked by digest: that is the same content wherever it is, so what is here goes before the network.
 * Else each layer of a hosted image would first be asked of every remote upstream above it.
 */
export function hereFirst<T>(parts: readonly T[], isHere: (part: T) => boolean): readonly T[] {
  return [...parts.filter(isHere), ...parts.filter((part) => !isHere(part))];
}

async function firstOf<T>(
  parts: readonly OrderedPart[],
  ask: (repository: WarmableRepository) => Promise<T>,
): Promise<T> {
  const errors: OciError[] = [];
  for (const { repository } of parts) {
    try {
      return await ask(repository);
    } catch (error) {
      if (error instanceof ImageRefused) throw error;
      errors.push(ociErrorOf(error));
    }
  }
  throw combined(errors);
}

/** @throws the error itself when it is no answer but a bug */
function ociErrorOf(error: unknown): OciError {
  if (error instanceof OciError) return error;
  throw error;
}

function isFailure({ status }: OciError): boolean {
  return status !== 404;
}

/** Why nobody has it: the first failure; else that it is nowhere, in everybody's words. */
function combined(errors: readonly OciError[]): OciError {
  const failure = errors.find(isFailure);
  if (failure) return failure;
  const absence = errors.find(({ code }) => code !== 'NAME_UNKNOWN');
  return new OciError(absence?.code ?? 'NAME_UNKNOWN', {
    detail: errors.map((error) => error.message).join('; '),
  });
}

function merged(lists: readonly TagsAnswer[], { limit }: PageRequest): TagsAnswer {
  const { tags, hasMore } = mergedPage(lists, { after: '', limit });
  return {
    tags,
    hasMore: hasMore || lists.some((list) => list.hasMore),
    outcome: worth.find((outcome) => lists.some((list) => list.outcome === outcome)) ?? 'hosted',
  };
}
