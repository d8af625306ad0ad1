/** Tags that were deleted and can be restored; ours. */
import { z } from 'zod';
import type { DeletedTag } from '../../metadata/hosted/deleted-tags.ts';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import { integer, text } from '../endpoint/parameters.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import type { DeletedTagService } from './deleted-tags.ts';
import { repositoryPath } from './repository-endpoints.ts';

const path = '/projects/:id/registry/repositories/:repository_id/deleted_tags';
const maxTagLength = 128;

const deletedTagResponse = z
  .object({
    id: z.int(),
    name: z.string(),
    digest: z.string(),
    last_published_at: instantText,
    deleted_at: instantText,
    deleted_by: z.string(),
  })
  .meta({ id: 'DeletedTag' });

export function deletedTagEndpoints(tags: DeletedTagService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path,
      summary: 'Tags of a repository that were deleted and can be restored, newest first',
      pathParams: repositoryPath,
      params: pageParams.extend({ search: text(maxTagLength).optional() }),
      response: z.array(deletedTagResponse),
      status: 200,
      handle: async (actor, { id, repositoryId, search, ...page }) => {
        const reference = { project: id, id: repositoryId };
        return pageBody(await tags.list(actor, reference, search, page), page, deletedTagBody);
      },
    }),
    endpoint({
      method: 'POST',
      path: `${path}/:deleted_tag_id/restore`,
      summary: 'Restore a tag that was deleted',
      pathParams: repositoryPath.extend({ deleted_tag_id: integer }),
      response: deletedTagResponse,
      status: 201,
      errors: [409],
      handle: async (actor, { id, repositoryId, deletedTagId }) =>
        deletedTagBody(await tags.restore(actor, { project: id, id: repositoryId }, deletedTagId)),
    }),
  ];
}

function deletedTagBody(tag: DeletedTag): AnswerOf<typeof deletedTagResponse> {
  return { ...tag, lastPublishedAt: tag.publishedAt };
}
