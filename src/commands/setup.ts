/** `entrepot setup CLIENT`: how a client pulls through a virtual registry, as the API says it. */
import { configuredUrl, setupOptions } from '../app/setup-options.ts';
import { RefusedError } from '../management/acting/refused-error.ts';
import { findSetup, isSetupClient, setupClients } from '../management/setup/client-setups.ts';
import { CommandRefused, type Run, UsageError } from './command.ts';
import { withDatabase } from './with-database.ts';

/** @throws UsageError */
export function clientSetup(
  client: string,
  { registry = '1' }: { readonly registry?: string | undefined },
): Run {
  if (!isSetupClient(client))
    throw new UsageError(`setup: '${client}' is none of ${setupClients.join(', ')}`);
  if (!/^[1-9][0-9]{0,14}$/.test(registry))
    throw new UsageError(`--registry: '${registry}' is no number of a virtual registry`);
  return async ({ config, log }) => {
    const question = { registryId: Number(registry), client, externalUrl: configuredUrl(config) };
    const text = await withDatabase(config, log, (database) =>
      findSetup(database, question, setupOptions(config)).catch(refuse),
    );
    if (text === undefined) throw new CommandRefused(`there is no virtual registry ${registry}`);
    return text;
  };
}

function refuse(error: unknown): never {
  if (error instanceof RefusedError && error.detail !== undefined) throw new CommandRefused(error.detail);
  throw error;
}
