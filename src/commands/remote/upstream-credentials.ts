/** Who logs in to an upstream, as the command line says it. Secrets are asked for, or read from standard input. */
import { readRegularFile } from '../../config/regular-file.ts';
import { reasonOf } from '../../config/system-reasons.ts';
import { type CommandContext, CommandRefused, UsageError } from '../command.ts';
import { readSecret } from './read-secret.ts';

export interface UpstreamCredentialOptions {
  readonly provider?: string;
  readonly username?: string;
  readonly accessKeyId?: string;
  readonly roleArn?: string;
  readonly externalId?: string;
  readonly keyFile?: string;
  readonly tenantId?: string;
  readonly clientId?: string;
}

/** As the API takes them, which says what does not belong together. @throws UsageError, CommandRefused */
export async function readCredentials(
  terminal: CommandContext['terminal'],
  options: UpstreamCredentialOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const { provider, username, accessKeyId, roleArn, externalId, keyFile, tenantId, clientId } = options;
  const ofClouds = { accessKeyId, roleArn, externalId, keyFile, tenantId, clientId };
  if (provider === undefined && Object.values(ofClouds).some((value) => value !== undefined))
    throw new UsageError('keys, roles and identities are of a --provider: ecr, ecr-public, google or azure');
  const secretOf = (whose: string | undefined, what: string) =>
    whose === undefined ? undefined : readSecret(terminal, `${what} of ${whose}`);
  const password = await secretOf(username, 'Password');
  if (provider === undefined) return { username, password };
  return {
    credentials: {
      provider,
      username,
      password,
      access_key_id: accessKeyId,
      secret_access_key: await secretOf(accessKeyId, 'Secret access key'),
      role_arn: roleArn,
      external_id: externalId,
      service_account_key: keyFile === undefined ? undefined : readKeyFile(keyFile),
      tenant_id: tenantId,
      client_id: clientId,
      client_secret: await secretOf(tenantId && (clientId ?? tenantId), 'Client secret'),
    },
  };
}

function readKeyFile(path: string): string {
  try {
    return readRegularFile(path);
  } catch (error) {
    throw new CommandRefused(`--key-file: cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
}
