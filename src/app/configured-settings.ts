/** What the configuration says of settings that are changed while the server runs. */
import type { Config } from '../config/config.ts';
import type { ConfiguredSettings } from '../management/server/application-settings.ts';

export function configuredSettings(config: Config): ConfiguredSettings {
  const { maintenance, hosted, virtualRegistries, auth } = config;
  return {
    isReadOnly: maintenance.readOnly,
    isHostedEnabled: hosted.enabled,
    isVirtualEnabled: virtualRegistries.enabled,
    defaultAccessLevel: hosted.defaultAccessLevel,
    tokenMs: auth.tokenMs,
  };
}
