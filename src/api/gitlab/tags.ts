/** The tags of a repository with what they name. */
import { OciError } from '../../oci/errors.ts';
import { isTag, type RepositoryName } from '../../oci/reference.ts';
import type { PathParts } from '../registry/endpoints.ts';
import type { RequestContext } from '../state.ts';
import { answerJson, changeTimeOf, timeOf } from './answers.ts';
import { linkPages } from './page-links.ts';
import { queryOf } from './query.ts';
import type { ImageAnswer, Inventory, ListedTag } from './services.ts';
import { markerOf, parseTagListQuery } from './tag-list-query.ts';

export async function answerTag(
  ctx: RequestContext,
  repository: RepositoryName,
  inventory: Inventory,
  { segment: name }: PathParts,
): Promise<void> {
  if (!isTag(name)) throw new OciError('TAG_INVALID', { detail: `'${name.slice(0, 160)}' is not a tag` });
  const { createdAt, publishedAt, image, references } = await inventory.tag(repository, name);
  answerJson(ctx, {
    repository,
    name,
    image: imageBody(image, references),
    created_at: timeOf(createdAt),
    updated_at: changeTimeOf(createdAt, publishedAt),
    published_at: timeOf(publishedAt),
  });
}

export async function answerTagList(
  ctx: RequestContext,
  repository: RepositoryName,
  inventory: Inventory,
): Promise<void> {
  const query = parseTagListQuery(queryOf(ctx));
  const { tags, hasPrevious, hasNext } = await inventory.tags(repository, query);
  const [first, last] = [tags.at(0), tags.at(-1)];
  linkPages(ctx, query.limit, {
    previous: hasPrevious && first ? markerOf(first, query.order) : undefined,
    next: hasNext && last ? markerOf(last, query.order) : undefined,
  });
  answerJson(ctx, tags.map(listedBody));
}

function listedBody(tag: ListedTag) {
  return {
    name: tag.name,
    digest: tag.digest,
    config_digest: tag.configDigest,
    media_type: tag.mediaType,
    size_bytes: tag.sizeBytes,
    created_at: timeOf(tag.createdAt),
    updated_at: changeTimeOf(tag.createdAt, tag.publishedAt),
    published_at: timeOf(tag.publishedAt),
    referrers: tag.referrers?.map(({ artifactType, digest }) => ({ artifactType, digest })),
  };
}

function imageBody(image: ImageAnswer, references?: readonly ImageAnswer[]) {
  const { digest, mediaType, sizeBytes, config } = image;
  return {
    size_bytes: sizeBytes,
    manifest: {
      digest,
      media_type: mediaType,
      references: references?.map((each): object => imageBody(each)),
    },
    config: config && {
      digest: config.digest,
      media_type: config.mediaType,
      platform: platformBody(image),
    },
  };
}

/** The platform of an image; configs of artifacts tell of none. */
function platformBody({ platform: { architecture, os } = {} }: ImageAnswer) {
  return architecture === undefined && os === undefined ? undefined : { architecture, os };
}
