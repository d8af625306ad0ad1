/** Where a repository of a virtual registry may be found: one repository at one upstream. */
import type { ImagePlace } from '../admission/admission-policy.ts';
import type { EntrySource } from '../metadata/cached/cache-entry.ts';
import { OciError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/reference.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { RemotePart } from './registry-view.ts';

export interface Source {
  readonly groupId: number;
  readonly upstream: Upstream;
  /** Its name at the upstream. */
  readonly repository: RepositoryName;
}

/**
 * The sources of a repository in the order they are asked, without those whose patterns refuse it.
 * @throws OciError NAME_UNKNOWN when none is left, saying why
 */
export function sourcesOf(part: RemotePart, repository: RepositoryName): Source[] {
  const { registryId, upstreams } = part;
  if (upstreams.length === 0) {
    throw new OciError('NAME_UNKNOWN', {
      detail: `virtual registry ${registryId} has no upstreams; add one through the API`,
    });
  }
  const allowed = upstreams
    .filter((upstream) => upstream.allows(repository, part.areNamesOwn))
    .flatMap((upstream) => findSource(part, upstream, repository) ?? []);
  if (allowed.length === 0) {
    throw new OciError('NAME_UNKNOWN', {
      detail: `the prefixes, allow and deny patterns of every remote upstream of virtual registry ${registryId} refuse '${repository}'`,
    });
  }
  return allowed;
}

/** Whatever the upstream's patterns say; undefined where its prefixes refuse the name. */
export function findSource(
  { groupId, areNamesOwn }: RemotePart,
  upstream: Upstream,
  name: RepositoryName,
): Source | undefined {
  const repository = upstream.repositoryOf(name, areNamesOwn);
  return repository && { groupId, upstream, repository };
}

/** scheme://host:port of the source's upstream. */
export function originOf(source: Source): string {
  return new URL(source.upstream.settings.url).origin;
}

/** The source as records know it. */
export function entrySource(source: Source): EntrySource {
  return { upstreamId: source.upstream.settings.id, repository: source.repository };
}

/** The source as policies know it. */
export function placeOf(
  registryId: number,
  {
    upstream,
    repository,
  }: { readonly upstream: Pick<Upstream, 'settings'>; readonly repository: RepositoryName },
): ImagePlace {
  return { kind: 'virtual', registryId, upstream: upstream.settings, repository };
}

/** For what is believed of it: a changed upstream is asked again. */
export function keyOfSource({ upstream, repository }: Source): string {
  const { id, updatedAt } = upstream.settings;
  return `${id} ${updatedAt} ${repository}`;
}

/** Whether a record is of this source, among records of the sources of one image. */
export function isRecordOf({ upstreamId }: Pick<EntrySource, 'upstreamId'>, source: Source): boolean {
  return upstreamId === source.upstream.settings.id;
}

export function includes(sources: readonly Source[], { upstream, repository }: Source): boolean {
  return sources.some(
    (each) => each.upstream.settings.id === upstream.settings.id && each.repository === repository,
  );
}
