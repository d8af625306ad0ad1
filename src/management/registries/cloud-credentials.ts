/** Credentials of an upstream by their provider, as clients describe them. Secrets go in and never come out. */
import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';
import type { UpstreamRecord } from '../../metadata/registries/upstreams.ts';
import type { CloudIdentity } from '../../upstreams/clouds/cloud-identity.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { maxNameLength, text } from '../endpoint/parameters.ts';
import type { AnswerOf, CamelCased } from '../endpoint/wire.ts';
import type { UpstreamCredentials } from './upstream-settings.ts';

const maxSecretLength = 510;
const maxKeyFileLength = 8192;

const providers = ['basic', 'harbor-robot', 'ecr', 'ecr-public', 'google', 'azure'] as const;
const awsFields = ['accessKeyId', 'secretAccessKey', 'roleArn', 'externalId'] as const;
/** What each may have. */
const fieldsOf = {
  basic: ['username', 'password'],
  'harbor-robot': ['username', 'password'],
  ecr: awsFields,
  'ecr-public': awsFields,
  google: ['serviceAccountKey'],
  azure: ['tenantId', 'clientId', 'clientSecret'],
} as const;

const secret = text(maxSecretLength).meta({ writeOnly: true }).optional();
const name = text(maxNameLength).optional();

export const credentialsField = z
  .object({
    provider: z.enum(providers),
    username: name.meta({ description: 'basic, harbor-robot: as in robot$team+ci' }),
    password: secret,
    access_key_id: name.meta({ description: 'ecr, ecr-public' }),
    secret_access_key: secret,
    role_arn: name.meta({ description: 'ecr, ecr-public: the role that is assumed' }),
    external_id: name,
    service_account_key: text(maxKeyFileLength)
      .meta({ writeOnly: true, description: 'google: the JSON of the key' })
      .optional(),
    tenant_id: name.meta({ description: 'azure' }),
    client_id: name.meta({ description: 'azure: the application, or the managed identity that is meant' }),
    client_secret: secret,
  })
  .nullable()
  .meta({
    description:
      'In place of username and password, and all of them anew. A provider of a cloud without a key uses the server’s own identity, which only administrators may say, and upstreams.ambient_hosts allows; null: none',
  });

export type CredentialsInput = CamelCased<z.output<typeof credentialsField>>;
type Given = NonNullable<CredentialsInput>;

export const credentialsResponse = z
  .object({
    provider: z.enum(providers),
    username: z.string().nullable(),
    access_key_id: z.string().nullable(),
    role_arn: z.string().nullable(),
    external_id: z.string().nullable(),
    service_account: z.string().nullable(),
    tenant_id: z.string().nullable(),
    client_id: z.string().nullable(),
    ambient: z.boolean().meta({ description: 'Whether it is the server’s own identity' }),
  })
  .nullable();

/** Without what is secret. */
export function credentialsBody({
  username,
  identity,
  passwordSealed,
}: UpstreamRecord): AnswerOf<typeof credentialsResponse> {
  if (identity === undefined && username === undefined) return null;
  const shown = {
    accessKeyId: undefined,
    roleArn: undefined,
    externalId: undefined,
    serviceAccount: undefined,
  };
  const none = { ...shown, tenantId: undefined, clientId: undefined };
  return { ...none, provider: 'basic', ...identity, username, ambient: passwordSealed === undefined };
}

/** @throws RefusedError invalid for what the provider does not take, or cannot be */
export function parseProvided(given: Given): UpstreamCredentials {
  const { provider } = given;
  const known: readonly string[] = fieldsOf[provider];
  const [stranger] = Object.entries(given).filter(
    ([field, value]) => value && field !== 'provider' && !known.includes(field),
  );
  if (stranger)
    throw fault(`of ${provider} have no ${snake(stranger[0])}: they have ${known.map(snake).join(', ')}`);
  switch (provider) {
    case 'basic':
      return { ...demandBoth(given, 'username', 'password') };
    case 'harbor-robot':
      return { provider, ...parseRobot(demandBoth(given, 'username', 'password')) };
    case 'google':
      return { provider, ...parseServiceAccount(given.serviceAccountKey) };
    case 'azure':
      return parseApplication(provider, given);
    default:
      return parseAws(provider, given);
  }
}

/** What is left of a robot's name where a shell took its $ for a variable, or someone wrote it for one that would. */
const spoiltRobot = /^robot$|^robot\+|\\|\$\$|%24/;

function parseRobot(login: { readonly username: string; readonly password: string }) {
  const username = login.username.trim();
  if (spoiltRobot.test(username))
    throw fault(
      `have a username, ${username}, that no robot of Harbor has: write it as Harbor shows it, as in robot$team+ci, in a shell between single quotes`,
    );
  return { username, password: login.password.trim() };
}

function parseAws(provider: 'ecr' | 'ecr-public', given: Given): CloudIdentity {
  const { roleArn, externalId } = given;
  const hasKey = given.accessKeyId || given.secretAccessKey;
  const { accessKeyId, secretAccessKey } = hasKey
    ? demandBoth(given, 'accessKeyId', 'secretAccessKey')
    : { accessKeyId: undefined, secretAccessKey: undefined };
  demandForm('access_key_id', accessKeyId, /^\w{16,128}$/, 'an access key such as AKIAIOSFODNN7EXAMPLE');
  if (accessKeyId?.startsWith('ASIA'))
    throw fault('have an access_key_id that ends by itself (ASIA…): give a key of a user, or a role_arn');
  demandForm(
    'role_arn',
    roleArn,
    /^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
    'as in arn:aws:iam::123456789012:role/pull',
  );
  if (externalId && !roleArn) throw fault('have an external_id, which is for a role_arn');
  return {
    provider,
    ...(accessKeyId && { accessKeyId, secret: secretAccessKey }),
    ...(roleArn && { roleArn }),
    ...(externalId && { externalId }),
  };
}

function parseApplication(provider: 'azure', given: Given): CloudIdentity {
  const { tenantId, clientId, clientSecret } = given;
  demandForm('tenant_id', tenantId, /^[\w.-]+$/, 'the number or domain of a tenant of Entra');
  demandForm('client_id', clientId, /^[\w-]+$/, 'the number of an application or identity');
  if (clientSecret && !(tenantId && clientId))
    throw fault('of azure with a client_secret need tenant_id and client_id');
  return {
    provider,
    ...(tenantId && { tenantId }),
    ...(clientId && { clientId }),
    ...(clientSecret && { secret: clientSecret }),
  };
}

/** Other kinds of files tell a library of Google to read files, ask hosts and run programs of their choice: they are the operator's to give. */
const keySchema = z.object({
  type: z.literal('service_account'),
  client_email: z.string().regex(/^[^\s@]+@[^\s@]+$/),
  private_key_id: z.string().optional(),
  private_key: z.string(),
});

function parseServiceAccount(key: string | undefined): Omit<CloudIdentity, 'provider'> {
  if (!key) return {};
  try {
    const {
      client_email: serviceAccount,
      private_key_id: keyId,
      private_key,
    } = keySchema.parse(JSON.parse(key));
    const privateKey = createPrivateKey(private_key);
    if (privateKey.asymmetricKeyType !== 'rsa') throw new TypeError('no RSA key');
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    return { serviceAccount, ...(keyId !== undefined && { keyId }), secret: String(pem) };
  } catch {
    throw fault('have a service_account_key that is not the JSON of a key of a service account');
  }
}

function demandBoth<A extends keyof Given, B extends keyof Given>(
  given: Given,
  one: A,
  other: B,
): Record<A | B, string>;
function demandBoth(given: Given, one: keyof Given, other: keyof Given): Record<string, string> {
  const [first, second] = [given[one], given[other]];
  if (first && second) return { [one]: first, [other]: second };
  throw fault(`of ${given.provider} need ${snake(one)} and ${snake(other)}`);
}

function demandForm(attribute: string, value: string | undefined, form: RegExp, expected: string): void {
  if (value && !form.test(value)) throw fault(`have an ${attribute} that is none: expected ${expected}`);
}

function snake(attribute: string): string {
  return attribute.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function fault(message: string): RefusedError {
  return new RefusedError('invalid', { credentials: [message] });
}
