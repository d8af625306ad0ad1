/**
 * Images wait until they are old enough, so that what was smuggled into an upstream is found out before it is pulled. What counts is when it
 * was first seen here that the tag names the image. What the image says of its age can be made up: it can make it younger, and older only
 * where an operator trusts it, for the first image of a tag that was never seen before.
 */
import { LRUCache } from 'lru-cache';
import { upTo } from '../cache/up-to.ts';
import type { TagSighting, TagSightings } from '../metadata/cached/tag-sightings.ts';
import type { Digest } from '../oci/digest.ts';
import { isDigestReference, type RepositoryName, type Tag } from '../oci/reference.ts';
import { Globs } from '../rules/globs.ts';
import type { QuarantineSettings } from '../upstreams/upstream.ts';
import type { AdmissionPolicy, ImagePlace, JudgedImage } from './admission-policy.ts';
import { findCreated } from './image-age.ts';
import type { Verdict } from './verdict.ts';

export interface QuarantineOptions {
  readonly sightings: Pick<TagSightings, 'listOfTag' | 'listOfDigest' | 'findOwn'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Who was let in stays in while the settings are the same, and images do not change when they were made. */
const verdictsRemembered = 20_000;
/** What a tag that is refused may be answered with: each may have to be fetched. */
const maxOlder = 5;
const day = 24 * 60 * 60 * 1000;

type VirtualPlace = Extract<ImagePlace, { kind: 'virtual' }>;

interface Judging {
  readonly image: JudgedImage;
  readonly place: VirtualPlace;
  readonly settings: QuarantineSettings;
  readonly signal: AbortSignal;
}

export class Quarantine implements AdmissionPolicy {
  readonly name = 'quarantine';
  readonly #options: QuarantineOptions;
  readonly #admitted = new LRUCache<string, Verdict>(upTo(verdictsRemembered));
  readonly #created = new LRUCache<Digest, number>(upTo(verdictsRemembered));

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  isOn(place: ImagePlace): boolean {
    return place.kind === 'virtual' && place.upstream.quarantine !== undefined;
  }

  async judge(image: JudgedImage, signal = new AbortController().signal): Promise<Verdict> {
    const { place, reference, digest } = image;
    if (place.kind !== 'virtual' || !place.upstream.quarantine) return this.#admit('there is no quarantine');
    const settings = place.upstream.quarantine;
    const { id, updatedAt } = place.upstream;
    const key = [id, updatedAt, settings.minAgeMs, place.repository, reference, digest].join(' ');
    const known = this.#admitted.get(key);
    if (known) return known;
    const verdict = await this.#judge({ image, place, settings, signal });
    if (verdict.kind === 'admitted') this.#admitted.set(key, verdict);
    return verdict;
  }

  async #judge(judging: Judging): Promise<Verdict> {
    const { image, place, settings } = judging;
    const { reference } = image;
    const exempt = Globs.recall(settings.exemptPatterns, 'nothing', () => undefined);
    const isExempt = (tag: Tag | undefined) =>
      exempt.matches(place.repository) || (tag !== undefined && exempt.matches(`${place.repository}:${tag}`));
    if (!isDigestReference(reference)) {
      if (isExempt(reference)) return this.#admit('a pattern exempts it from quarantine');
      return this.#judgeTag(judging, reference);
    }
    if (settings.exemptsDigests) return this.#admit('what is pulled by digest is exempt from quarantine');
    if (isExempt(undefined)) return this.#admit('a pattern exempts it from quarantine');
    return this.#judgeDigest(judging, reference, isExempt);
  }

  async #judgeTag(judging: Judging, tag: Tag): Promise<Verdict> {
    const { place, image, settings } = judging;
    const seen = await this.#options.sightings.listOfTag(sourceOf(place), tag);
    const since = await this.#sinceOf(judging, seen, image.digest);
    const verdict = this.#verdictOn(judging, since);
    if (verdict.kind === 'admitted') return verdict;
    const mayBeOld = ({ seenAt }: TagSighting, index: number) =>
      this.#isOld(seenAt, settings) || (settings.trustsCreated && index === seen.length - 1);
    const older = seen.filter((each, index) => each.digest !== image.digest && mayBeOld(each, index));
    return { ...verdict, older: older.slice(0, maxOlder).map(({ digest }) => digest) };
  }

  /** A digest is let in with any tag that is, and a child of an index with that. Pinned ones wait from when they were first pulled. */
  async #judgeDigest(judging: Judging, digest: Digest, isExempt: (tag: Tag) => boolean): Promise<Verdict> {
    const { sightings, now } = this.#options;
    const source = sourceOf(judging.place);
    let earliest = Number.POSITIVE_INFINITY;
    for (const named of await sightings.listOfDigest(source, digest)) {
      if (isExempt(named.tag)) return this.#admit(`a pattern exempts the tag ${named.tag} from quarantine`);
      const seen = await sightings.listOfTag(source, named.tag);
      const since = await this.#sinceOf(judging, seen, named.digest);
      if (this.#isOld(since, judging.settings)) return this.#verdictOn(judging, since);
      earliest = Math.min(earliest, since);
    }
    const own = Math.max(
      (await sightings.findOwn(source, digest)) ?? now(),
      (await this.#createdOf(judging, digest)) ?? 0,
    );
    return this.#verdictOn(judging, Math.min(earliest, own));
  }

  /** From when on the image has been waited for, in epoch milliseconds. */
  async #sinceOf(judging: Judging, seen: readonly TagSighting[], digest: Digest): Promise<number> {
    const { settings } = judging;
    const seenAt = seen.find((each) => each.digest === digest)?.seenAt ?? this.#options.now();
    const isFirst = seen.length === 0 || seen.at(-1)?.digest === digest;
    const mayBeOlder = settings.trustsCreated && isFirst;
    if (!mayBeOlder && !this.#isOld(seenAt, settings)) return seenAt;
    const created = await this.#createdOf(judging, digest);
    if (created === undefined) return seenAt;
    return mayBeOlder ? created : Math.max(seenAt, created);
  }

  async #createdOf({ image, signal }: Judging, digest: Digest): Promise<number | undefined> {
    const known = this.#created.get(digest);
    if (known !== undefined) return known;
    const { content } = image;
    const { payload } = image.digest === digest ? image : await content.manifest(digest, false, signal);
    const created = await findCreated(payload, content, signal);
    if (created !== undefined) this.#created.set(digest, created);
    return created;
  }

  #isOld(since: number, { minAgeMs }: QuarantineSettings): boolean {
    return this.#options.now() - since >= minAgeMs;
  }

  #verdictOn({ image, place, settings }: Judging, since: number): Verdict {
    if (this.#isOld(since, settings))
      return { ...this.#admit(`it is old enough: its age counts from ${textOf(since)}`), since };
    const until = since + settings.minAgeMs;
    const name = nameOf(place.repository, image);
    const reason = `${name} is in quarantine until ${textOf(until)}: images of upstream ${place.upstream.id} (${place.upstream.name}) have to be ${ageOf(settings)} old, and the age of this one counts from ${textOf(since)}; pull an older image until then, or have its name exempted`;
    return { policy: this.name, kind: 'refused', reason, since, until };
  }

  #admit(reason: string): Verdict {
    return { policy: this.name, kind: 'admitted', reason };
  }
}

function sourceOf({ upstream, repository }: VirtualPlace) {
  return { upstreamId: upstream.id, repository };
}

function nameOf(repository: RepositoryName, { reference, digest }: JudgedImage): string {
  return isDigestReference(reference) ? `${repository}@${digest}` : `${repository}:${reference} (${digest})`;
}

function ageOf({ minAgeMs }: QuarantineSettings): string {
  const hours = minAgeMs / (day / 24);
  return hours % 24 === 0 ? `${hours / 24} days` : `${hours} hours`;
}

function textOf(instant: number): string {
  return new Date(instant).toISOString();
}
