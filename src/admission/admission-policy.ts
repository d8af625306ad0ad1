/** What decides whether an image may be pulled, and what it is told of the image. */
import type { Digest } from '../oci/digest.ts';
import type { Reference, RepositoryName } from '../oci/reference.ts';
import type { ManifestAnswer, ReadableRepository } from '../oci/repository.ts';
import type { UpstreamSettings } from '../upstreams/upstream.ts';
import type { PolicyName, Verdict } from './verdict.ts';

/** Where an image is pulled from. */
export type ImagePlace =
  | {
      readonly kind: 'virtual';
      readonly registryId: number;
      /** The one that the image comes from. */
      readonly upstream: UpstreamSettings;
      /** Its name at the upstream. */
      readonly repository: RepositoryName;
    }
  | { readonly kind: 'hosted'; readonly repositoryId: number; readonly repository: RepositoryName };

/** What belongs to an image, as the repository has it before anybody judges: a policy reads by digest, and is not judged itself. */
export type ImageContent = Pick<ReadableRepository, 'manifest' | 'blob' | 'referrers'>;

export interface JudgedImage extends Pick<ManifestAnswer, 'digest' | 'mediaType' | 'payload'> {
  readonly place: ImagePlace;
  /** What was asked for: a tag, or the digest itself. */
  readonly reference: Reference;
  readonly content: ImageContent;
}

export interface AdmissionPolicy {
  readonly name: PolicyName;
  /** Whether it has a say there. Most pulls ask no more, so it looks at what is in memory. */
  isOn(place: ImagePlace): boolean | Promise<boolean>;
  /**
   * Changes nothing, so that it can be asked what would be. It remembers by itself what cannot change.
   * @throws OciError UNAVAILABLE where it cannot know now; then nobody gets the image
   */
  judge(image: JudgedImage, signal?: AbortSignal): Promise<Verdict>;
}

/** The place and the digest, in the words of a log. */
export function describeImage({ place, reference, digest }: JudgedImage) {
  const { repository } = place;
  const where =
    place.kind === 'virtual'
      ? { registryId: place.registryId, upstream: place.upstream.name, repository }
      : { repository };
  return { ...where, reference, digest } satisfies Readonly<Record<string, string | number | Digest>>;
}
