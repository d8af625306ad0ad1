/** Tags that were deleted and can be restored; ours. */
import { z } from 'zod';
import type { DeletedTag } from '../../metadata/hosted/deleted-tags.ts';
import { formatInstant, instantText } from '../endpoint/dates.ts';
import { type Endpoint, wireEndpoint as endpoint } from '../endpoint/endpoint.ts';
import { PagedBody, pageOf, pageParams } from '../endpoint/pagination.ts';
import { integer, text } from '../endpoint/parameters.ts';
import type { BodyOf } from '../endpoint/response.ts';
import type { DeletedTagService } from './deleted-tags.ts';
import { repositoryId } from './repository-endpoints.ts';

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
      pathParams: repositoryId,
      params: pageParams.extend({ search: text(maxTagLength).optional() }),
      response: z.array(deletedTagResponse),
      status: 200,
      handle: async (actor, { id, repository_id, search, ...pages }) => {
        const reference = { project: id, id: repository_id };
        const { records, total } = await tags.list(actor, reference, search, pageOf(pages));
        return new PagedBody(records.map(deletedTagBody), total, pages);
      },
    }),
    endpoint({
      method: 'POST',
      path: `${path}/:deleted_tag_id/restore`,
      summary: 'Restore a tag that was deleted',
      pathParams: repositoryId.extend({ deleted_tag_id: integer }),
      response: deletedTagResponse,
      status: 201,
      errors: [409],
      handle: async (actor, { id, repository_id, deleted_tag_id }) =>
        deletedTagBody(await tags.restore(actor, { project: id, id: repository_id }, deleted_tag_id)),
    }),
  ];
}

function deletedTagBody(tag: DeletedTag): BodyOf<typeof deletedTagResponse> {
  return {
    id: tag.id,
    name: tag.name,
    digest: tag.digest,
    last_published_at: formatInstant(tag.publishedAt),
    deleted_at: formatInstant(tag.deletedAt),
    deleted_by: tag.deletedBy,
  };
}
