/** What the image of a tag is, and what was pushed for it; ours. */
import { z } from 'zod';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { filled, maxNameLength, text } from '../endpoint/parameters.ts';
import { repositoryPath } from './repository-endpoints.ts';
import { tagImageBody, tagImageResponse } from './tag-image-body.ts';
import type { TagImageService } from './tag-images.ts';

const maxTagLength = 128;
const tagPath = repositoryPath.extend({ tag_name: text(maxTagLength) });
const choice = z.object({
  platform: text(200).optional().meta({
    description: 'Which image of an index is shown in detail: `linux/arm64`; by default linux/amd64',
  }),
});

const manifestPath = '/projects/:id/registry/repositories/:repository_id/manifests/:digest';
const asPushed = {
  method: 'GET',
  pathParams: repositoryPath.extend({ digest: filled(maxNameLength) }),
  response: z.string(),
  isText: true,
  status: 200,
  isPublic: true,
  takesJobTokens: true,
} as const;

export function tagImageEndpoints(images: TagImageService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/projects/:id/registry/repositories/:repository_id/tags/:tag_name/image',
      summary: 'What the image of a tag is: platforms, labels, layers, history, and what is attached to it',
      pathParams: tagPath,
      params: choice,
      response: tagImageResponse,
      status: 200,
      isPublic: true,
      takesJobTokens: true,
      handle: async (actor, { id, repositoryId, tagName, platform }, { externalUrl }) => {
        const reference = { project: id, id: repositoryId };
        return tagImageBody(await images.get(actor, reference, tagName, platform || undefined), externalUrl);
      },
    }),
    endpoint({
      ...asPushed,
      path: manifestPath,
      summary: 'A manifest, byte for byte',
      handle: (actor, { id, repositoryId, digest }) =>
        images.getText(actor, { project: id, id: repositoryId }, digest, 'manifest'),
    }),
    endpoint({
      ...asPushed,
      path: `${manifestPath}/config`,
      summary: 'The config of a manifest, byte for byte, where it has at most 1 MiB',
      handle: (actor, { id, repositoryId, digest }) =>
        images.getText(actor, { project: id, id: repositoryId }, digest, 'config'),
    }),
  ];
}
