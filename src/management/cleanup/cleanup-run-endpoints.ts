/** Runs of cleanup policies that someone asks for; ours. */

import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { projectId } from '../endpoint/parameters.ts';
import { accepted, acceptedResponse } from '../endpoint/response.ts';
import type { CleanupRunService } from './cleanup-runs.ts';

export function cleanupRunEndpoints(runs: CleanupRunService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/projects/:id/container_expiration_policy/run',
      summary:
        'Run the cleanup policy of a project now, in the background; when it is due next stays as it is',
      pathParams: projectId,
      response: acceptedResponse,
      status: 202,
      handle: async (actor, { id }) => {
        await runs.request(actor, id);
        return accepted;
      },
    }),
  ];
}
