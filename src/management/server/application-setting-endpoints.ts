/** https://docs.gitlab.com/api/settings/ */
import { z } from 'zod';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { maxNameLength, someOf, text, truth } from '../endpoint/parameters.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import type { MaintenanceMode, MaintenanceSettings } from './maintenance.ts';

const path = '/application/settings';
const settingsResponse = z
  .object({ maintenance_mode: z.boolean(), maintenance_mode_message: z.string().nullable() })
  .meta({ id: 'ApplicationSettings' });
const changes = someOf(
  z.object({
    maintenance_mode: truth.optional(),
    maintenance_mode_message: text(maxNameLength).nullish(),
  }),
);

export function applicationSettingEndpoints(maintenance: MaintenanceMode): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path,
      summary: 'What can be set while the server runs; for administrators',
      status: 200,
      response: settingsResponse,
      handle: async (actor) => settingsBody(await maintenance.get(actor)),
    }),
    endpoint({
      method: 'PUT',
      path,
      summary: 'Set what can be set while the server runs; for administrators',
      params: changes,
      status: 200,
      response: settingsResponse,
      worksReadOnly: true,
      handle: async (actor, { maintenanceMode: isReadOnly, maintenanceModeMessage: message }) =>
        settingsBody(await maintenance.set(actor, { isReadOnly, message })),
    }),
  ];
}

function settingsBody({ isReadOnly, message }: MaintenanceSettings): AnswerOf<typeof settingsResponse> {
  return { maintenanceMode: isReadOnly, maintenanceModeMessage: message };
}
