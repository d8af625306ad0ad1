/** Where an image of a virtual registry may be found: one repository at one upstream. */
import type { EntryPlace } from '../metadata/cached/cache-entry.ts';
import { OciError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/reference.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { RemotePart } from './registry-view.ts';

export interface Place {
  readonly groupId: number;
  readonly upstream: Upstream;
  /** The image's name at the upstream. */
  readonly repository: RepositoryName;
}

/**
 * The places of an image in the order they are asked, without those whose patterns refuse it.
 * @throws OciError NAME_UNKNOWN when none is left, saying why
 */
export function placesOf(part: RemotePart, image: RepositoryName): Place[] {
  const { registryId, upstreams } = part;
  if (upstreams.length === 0) {
    throw new OciError('NAME_UNKNOWN', {
      detail: `virtual registry ${registryId} has no upstreams; add one through the API`,
    });
  }
  const allowed = upstreams.filter((upstream) => upstream.allows(image));
  if (allowed.length === 0) {
    throw new OciError('NAME_UNKNOWN', {
      detail: `the allow and deny patterns of every remote upstream of virtual registry ${registryId} refuse '${image}'`,
    });
  }
  return allowed.map((upstream) => placeAt(part, upstream, image));
}

/** Whatever the upstream's patterns say. */
export function placeAt({ groupId }: RemotePart, upstream: Upstream, image: RepositoryName): Place {
  return { groupId, upstream, repository: upstream.repositoryOf(image) };
}

export function isSamePlace(a: Place, b: Place): boolean {
  return a.upstream.settings.id === b.upstream.settings.id && a.repository === b.repository;
}

/** scheme://host:port of the place's upstream. */
export function originOf(place: Place): string {
  return new URL(place.upstream.settings.url).origin;
}

/** The place as records know it. */
export function entryPlace(place: Place): EntryPlace {
  return { upstreamId: place.upstream.settings.id, repository: place.repository };
}

/** For what is believed of it: a changed upstream is asked again. */
export function keyOfPlace({ upstream, repository }: Place): string {
  const { id, updatedAt } = upstream.settings;
  return `${id} ${updatedAt} ${repository}`;
}

/** Whether a record is of this place. */
export function isRecordOf(record: EntryPlace, place: Place): boolean {
  return record.upstreamId === place.upstream.settings.id && record.repository === place.repository;
}

export function includes(places: readonly Place[], place: Place): boolean {
  return places.some((each) => isSamePlace(each, place));
}
