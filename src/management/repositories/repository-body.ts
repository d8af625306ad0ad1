/** Repositories and tags as GitLab shows them, with what is ours: when they were published and pulled last. */
import { z } from 'zod';
import type { ImageSummary } from '../../metadata/content/image-facts.ts';
import type { ListedTag } from '../../metadata/hosted/tag-lists.ts';
import type { Actor } from '../acting/actor.ts';
import { instantText } from '../endpoint/dates.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import type { ShownRepository } from './repositories.ts';

export const tagNameResponse = z.object({ name: z.string(), path: z.string(), location: z.string() });

export const repositoryResponse = z
  .object({
    id: z.int(),
    /** what comes after the project's path */
    name: z.string(),
    path: z.string(),
    project_id: z.int(),
    location: z.string(),
    created_at: instantText,
    cleanup_policy_started_at: instantText.nullable(),
    status: z.enum(['delete_scheduled', 'delete_ongoing', 'delete_failed']).nullable(),
    last_published_at: instantText.nullable(),
    last_pulled_at: instantText.nullable(),
    tags_count: z.int().optional(),
    tags: z.array(tagNameResponse).optional(),
  })
  .meta({ id: 'ContainerRepository' });

export const listedRepositoryResponse = repositoryResponse
  .extend({
    size: z.int().nullable().meta({
      description: 'In bytes, as it was measured last, every few minutes; null where it was not yet',
    }),
  })
  .meta({ id: 'ListedContainerRepository' });

export const repositoryDetailsResponse = repositoryResponse
  .extend({
    /** in bytes: of what its tags reach, each blob counted once */
    size: z.int().optional(),
    delete_api_path: z.url().optional(),
  })
  .meta({ id: 'ContainerRepositoryDetails' });

export const tagResponse = tagNameResponse
  .extend({
    digest: z.string(),
    /** in bytes */
    total_size: z.int(),
    last_published_at: instantText,
    last_pulled_at: instantText.nullable(),
    pulls_count: z.int(),
  })
  .meta({ id: 'ContainerTag' });

export const tagDetailsResponse = tagResponse
  .extend({
    /** of the config, in hex; null where there is none, as in an index */
    revision: z.string().nullable(),
    short_revision: z.string().nullable(),
    /** when the image was made, as its config says */
    created_at: instantText.nullable(),
    media_type: z.string(),
    /** for those who are signed in; null where it was not recorded yet */
    last_published_by: z.string().nullable(),
  })
  .meta({ id: 'ContainerTagDetails' });

export const tagCopyResponse = tagNameResponse
  .extend({
    digest: z.string(),
    project_id: z.int(),
    /** its full path */
    project_path: z.string(),
    repository_id: z.int(),
    /** how many of each the destination did not have */
    copied_manifests: z.int(),
    copied_blobs: z.int(),
  })
  .meta({ id: 'ContainerTagCopy' });

const shortRevisionLength = 9;

export function repositoryBody(
  repository: ShownRepository,
  externalUrl: string,
): AnswerOf<typeof repositoryResponse> {
  const { name: path, tags } = repository;
  return {
    ...repository,
    name: path.slice(repository.projectPath.length + 1),
    path,
    location: locationOf(path, externalUrl),
    cleanupPolicyStartedAt: repository.cleanupStartedAt,
    lastPublishedAt: repository.publishedAt,
    lastPulledAt: repository.pulledAt,
    tags: tags?.map((name) => tagNameBody(name, path, externalUrl)),
  };
}

export function listedRepositoryBody(
  repository: ShownRepository,
  externalUrl: string,
): AnswerOf<typeof listedRepositoryResponse> {
  return { ...repositoryBody(repository, externalUrl), size: repository.sizeBytes };
}

/** @param repository its full name */
export function tagBody(
  tag: ListedTag,
  repository: string,
  externalUrl: string,
): AnswerOf<typeof tagResponse> {
  return {
    ...tag,
    ...tagNameBody(tag.name, repository, externalUrl),
    totalSize: tag.sizeBytes,
    lastPublishedAt: tag.updatedAt,
    lastPulledAt: tag.pulledAt,
  };
}

export function tagDetailsBody(
  { identity }: Actor,
  tag: ListedTag,
  image: ImageSummary | undefined,
  repository: string,
  externalUrl: string,
): AnswerOf<typeof tagDetailsResponse> {
  const digest = image?.config?.digest;
  const revision = digest?.slice(digest.indexOf(':') + 1);
  return {
    ...tagBody(tag, repository, externalUrl),
    revision,
    shortRevision: shortRevisionOf(revision),
    createdAt: image?.createdAt,
    mediaType: tag.mediaType,
    lastPublishedBy: identity.kind === 'anonymous' ? undefined : tag.publishedBy,
  };
}

export function shortRevisionOf(revision: string | undefined): string | undefined {
  return revision?.slice(0, shortRevisionLength);
}

export function tagNameBody(name: string, repository: string, externalUrl: string) {
  const path = `${repository}:${name}`;
  return { name, path, location: locationOf(path, externalUrl) };
}

/** The image's name as clients of the registry write it. */
function locationOf(path: string, externalUrl: string): string {
  return `${new URL(externalUrl).host}/${path}`;
}
