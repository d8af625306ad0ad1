/** Which entries are kept whatever room there is, by the pins of the registries that use their upstream. */
import type { EvictionCandidate } from '../metadata/cached/cache-evictions.ts';
import type { UpstreamPin } from '../metadata/cached/cache-pins.ts';
import { ImagePattern } from '../rules/image-pattern.ts';

interface CompiledPin {
  readonly image: ImagePattern;
  readonly tag: ImagePattern | undefined;
  readonly digest: string | undefined;
}

/** Where Docker Hub keeps what clients call by one name: pinned by either. */
const officialPrefix = 'library/';

export class PinnedImages {
  readonly #byUpstream = new Map<number, CompiledPin[]>();

  constructor(pins: readonly UpstreamPin[]) {
    for (const { upstreamId, image, tag, digest } of pins) {
      const compiled = ImagePattern.find(image);
      const compiledTag = tag === undefined ? undefined : ImagePattern.find(tag);
      if (!compiled || (tag !== undefined && !compiledTag)) continue;
      const all = this.#byUpstream.get(upstreamId) ?? [];
      all.push({ image: compiled, tag: compiledTag, digest });
      this.#byUpstream.set(upstreamId, all);
    }
  }

  /** Whether the entry itself is pinned, whatever holds it. */
  has(
    entry: Pick<EvictionCandidate, 'upstreamId' | 'kind' | 'repository' | 'reference' | 'digest'>,
  ): boolean {
    const { upstreamId, kind, repository, reference, digest } = entry;
    const short = repository.startsWith(officialPrefix)
      ? repository.slice(officialPrefix.length)
      : repository;
    return (this.#byUpstream.get(upstreamId) ?? []).some((pin) => {
      if (!pin.image.matches(repository) && !pin.image.matches(short)) return false;
      if (pin.tag === undefined && pin.digest === undefined) return true;
      if (kind !== 'manifest') return false;
      return pin.digest === undefined ? pin.tag?.matches(reference) === true : pin.digest === digest;
    });
  }
}
