/** https://docs.gitlab.com/api/settings/ */
import { z } from 'zod';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import {
  integerBetween,
  maxNameLength,
  registryAccessLevel,
  someOf,
  text,
  truth,
} from '../endpoint/parameters.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import type { ApplicationSettings, SettingValues } from './application-settings.ts';

const path = '/application/settings';
/** A day, as in the configuration. */
const maxTokenMinutes = 1440;
const settingsResponse = z
  .object({
    maintenance_mode: z.boolean(),
    maintenance_mode_message: z.string().nullable(),
    container_registry_enabled: z.boolean(),
    virtual_registries_enabled: z.boolean(),
    default_container_registry_access_level: registryAccessLevel,
    container_registry_token_expire_delay: z.number().meta({ description: 'Minutes' }),
  })
  .meta({ id: 'ApplicationSettings' });
const changes = someOf(
  z.object({
    maintenance_mode: truth.optional(),
    maintenance_mode_message: text(maxNameLength).nullish(),
    container_registry_enabled: truth.optional(),
    virtual_registries_enabled: truth.optional(),
    default_container_registry_access_level: registryAccessLevel.nullish(),
    container_registry_token_expire_delay: integerBetween(1, maxTokenMinutes).nullish(),
  }),
);

export function applicationSettingEndpoints(settings: ApplicationSettings): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path,
      summary: 'What can be set while the server runs; for administrators',
      status: 200,
      response: settingsResponse,
      handle: async (actor) => settingsBody(await settings.get(actor)),
    }),
    endpoint({
      method: 'PUT',
      path,
      summary: 'Set what can be set while the server runs; for administrators',
      params: changes,
      status: 200,
      response: settingsResponse,
      worksReadOnly: true,
      handle: async (actor, given) => {
        const values = await settings.set(actor, {
          isReadOnly: given.maintenanceMode,
          message: given.maintenanceModeMessage,
          isHostedEnabled: given.containerRegistryEnabled,
          isVirtualEnabled: given.virtualRegistriesEnabled,
          defaultAccessLevel: given.defaultContainerRegistryAccessLevel,
          tokenMinutes: given.containerRegistryTokenExpireDelay,
        });
        return settingsBody(values);
      },
    }),
  ];
}

function settingsBody(values: SettingValues): AnswerOf<typeof settingsResponse> {
  return {
    maintenanceMode: values.isReadOnly,
    maintenanceModeMessage: values.message,
    containerRegistryEnabled: values.isHostedEnabled,
    virtualRegistriesEnabled: values.isVirtualEnabled,
    defaultContainerRegistryAccessLevel: values.defaultAccessLevel,
    containerRegistryTokenExpireDelay: values.tokenMs / 60_000,
  };
}
