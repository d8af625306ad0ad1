/** https://docs.gitlab.com/api/groups/#transfer-a-group and https://docs.gitlab.com/api/projects/#transfer-a-project */
import { z } from 'zod';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { filled, groupId, maxNameLength, projectId, text } from '../endpoint/parameters.ts';
import { groupBody, groupResponse } from './group-body.ts';
import { projectBody, projectResponse } from './project-body.ts';
import type { TransferService } from './transfers.ts';

export function transferEndpoints(transfers: TransferService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/groups/:id/transfer',
      summary: 'Put a group with all that is in it into another one, or at the top',
      pathParams: groupId,
      params: z.object({ group_id: text(maxNameLength).nullish() }),
      status: 201,
      response: groupResponse,
      handle: async (actor, { id, groupId: into }, { externalUrl }) =>
        groupBody(await transfers.transferGroup(actor, id, into || undefined), externalUrl),
    }),
    endpoint({
      method: 'PUT',
      path: '/projects/:id/transfer',
      summary: 'Put a project with its repositories into another group',
      pathParams: projectId,
      params: z.object({ namespace: filled(maxNameLength) }),
      status: 200,
      response: projectResponse,
      handle: async (actor, { id, namespace }, { externalUrl }) =>
        projectBody(await transfers.transferProject(actor, id, namespace), externalUrl),
    }),
  ];
}
