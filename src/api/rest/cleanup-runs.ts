/** Runs of cleanup policies that someone asks for; ours. */
import type { CleanupRunService } from '../../management/cleanup-runs.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { projectId } from './parameters.ts';
import { accepted, acceptedResponse } from './response.ts';

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
