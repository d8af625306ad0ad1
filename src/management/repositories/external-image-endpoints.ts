/** Images of a registry that trusts our tokens; ours. */
import { z } from 'zod';
import { attestedBy, formatPlatform, type ImageFacts } from '../../oci/image-facts.ts';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import { maxNameLength, projectId, text } from '../endpoint/parameters.ts';
import type { ExternalImageService } from './external-images.ts';
import { shortRevisionOf, tagNameResponse } from './repository-body.ts';

const path = '/projects/:id/registry/external_repositories';
const maxTagLength = 128;

const repositoryPath = projectId.extend({
  repository: text(maxNameLength).meta({ description: 'Its full name, with %2F for /' }),
});
const tagPath = repositoryPath.extend({ tag_name: text(maxTagLength) });

const repositoryResponse = z
  .object({ path: z.string(), location: z.string() })
  .meta({ id: 'ExternalRepository' });

const tagResponse = tagNameResponse
  .extend({
    digest: z.string(),
    media_type: z.string().nullable(),
    /** of config and layers in bytes, as the manifest says; null of an index */
    total_size: z.int().nullable(),
    /** of the config, in hex; null where there is none, as in an index */
    revision: z.string().nullable(),
    short_revision: z.string().nullable(),
    created_at: instantText.nullable(),
    platforms: z.array(z.string()),
  })
  .meta({ id: 'ExternalTag' });

export function externalImageEndpoints(images: ExternalImageService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path,
      summary: 'The repositories that a project has in the external registry',
      pathParams: projectId,
      params: pageParams,
      response: z.array(repositoryResponse),
      status: 200,
      takesJobTokens: true,
      handle: async (actor, { id, ...page }) => {
        const found = await images.list(actor, id, page);
        return pageBody(found, page, (name) => ({ path: name, location: `${found.host}/${name}` }));
      },
    }),
    endpoint({
      method: 'GET',
      path: `${path}/:repository/tags`,
      summary: 'The tags of a repository in the external registry',
      pathParams: repositoryPath,
      params: pageParams.extend({ search: text(maxTagLength).optional() }),
      response: z.array(tagNameResponse),
      status: 200,
      takesJobTokens: true,
      handle: async (actor, { id, repository, search, ...page }) => {
        const found = await images.listTags(actor, { project: id, repository }, search, page);
        return pageBody(found, page, (tag) => nameBody(tag, repository, found.host));
      },
    }),
    endpoint({
      method: 'GET',
      path: `${path}/:repository/tags/:tag_name`,
      summary: 'A tag in the external registry, with what its image is',
      pathParams: tagPath,
      response: tagResponse,
      status: 200,
      takesJobTokens: true,
      handle: async (actor, { id, repository, tagName }) => {
        const { facts, host, ...image } = await images.getTag(actor, { project: id, repository }, tagName);
        const revision = facts.configState === 'none' ? undefined : facts.config?.digest.replace(/^.*:/, '');
        return {
          ...nameBody(tagName, repository, host),
          ...image,
          totalSize: facts.totalBytes,
          revision,
          shortRevision: shortRevisionOf(revision),
          createdAt: facts.image?.createdAt,
          platforms: platformsOf(facts),
        };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: `${path}/:repository/tags/:tag_name`,
      summary: 'Delete a tag in the external registry',
      pathParams: tagPath,
      response: z.literal(200),
      status: 200,
      takesJobTokens: true,
      handle: async (actor, { id, repository, tagName }) => {
        await images.removeTag(actor, { project: id, repository }, tagName);
        return 200 as const;
      },
    }),
  ];
}

function nameBody(name: string, repository: string, host: string) {
  const image = `${repository}:${name}`;
  return { name, path: image, location: `${host}/${image}` };
}

function platformsOf({ image, children }: ImageFacts): string[] {
  const platforms = image
    ? [image.platform]
    : children.filter((child) => attestedBy(child) === undefined).map(({ platform }) => platform);
  return platforms.map(formatPlatform).filter((platform) => platform !== '');
}
