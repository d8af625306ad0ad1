/** Logins to ECR, by the SDK of AWS over our own connections. https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html */
import type { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { OutboundError } from '../../outbound/outbound-error.ts';
import type { Transport } from '../../outbound/transport.ts';
import { type CloudCall, failedCall, loadCloud, refusedCall, senselessCall } from './cloud-calls.ts';
import type { CloudAsking, CloudIdentity, CloudLogin, CloudPlace } from './cloud-identity.ts';

const maxAnswerBytes = 256 * 1024;
const cloud = 'AWS';

type Credentials =
  | ReturnType<typeof fromTemporaryCredentials>
  | { accessKeyId: string; secretAccessKey: string };

export async function loginToAws(
  identity: CloudIdentity,
  { endpoint, region, isFips }: CloudPlace,
  { transport, now }: CloudAsking,
  abortSignal: AbortSignal,
): Promise<CloudLogin> {
  const isPublic = identity.provider === 'ecr-public';
  const call = {
    name: `${identity.provider}:GetAuthorizationToken in ${region}`,
    needs: isPublic
      ? 'the permissions ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken, and keys that are still good'
      : 'the permission ecr:GetAuthorizationToken, and keys that are still good',
  };
  const requestHandler = handlerOver(transport, call);
  const config = {
    region,
    requestHandler,
    // Whoever waits is told, and the next one tries again.
    maxAttempts: 1,
    ...(isFips && { useFipsEndpoint: true }),
    ...(endpoint && { endpoint: endpoint.href }),
    credentials: await credentialsOf(identity, region, requestHandler),
  };
  const data = await (isPublic ? askPublic(config, abortSignal) : askPrivate(config, abortSignal)).catch(
    (error: unknown) => {
      throw abortSignal.aborted ? abortSignal.reason : failureOf(identity, call, error);
    },
  );
  const [username, password] = Buffer.from(data?.authorizationToken ?? '', 'base64')
    .toString()
    .split(/:(.*)/s, 2);
  const lifetimeMs = (data?.expiresAt?.getTime() ?? 0) - now();
  if (!username || !password) throw senselessCall(call, 'no token');
  if (!(lifetimeMs > 0)) throw senselessCall(call, 'a token that has expired');
  return { username, password, lifetimeMs };
}

type Config = NonNullable<ConstructorParameters<typeof import('@aws-sdk/client-ecr').ECRClient>[0]>;

async function askPrivate(config: Config, abortSignal: AbortSignal) {
  const { ECRClient, GetAuthorizationTokenCommand } = await loadCloud(
    cloud,
    () => import('@aws-sdk/client-ecr'),
  );
  const answer = await new ECRClient(config).send(new GetAuthorizationTokenCommand(), { abortSignal });
  return answer.authorizationData?.[0];
}

async function askPublic(config: Config, abortSignal: AbortSignal) {
  const sdk = await loadCloud(cloud, () => import('@aws-sdk/client-ecr-public'));
  const client = new sdk.ECRPUBLICClient(config);
  return (await client.send(new sdk.GetAuthorizationTokenCommand(), { abortSignal })).authorizationData;
}

/** The keys, or what the chain of the SDK finds, and the role that either may assume. */
async function credentialsOf(
  { accessKeyId = '', secret, roleArn, externalId }: CloudIdentity,
  region: string,
  requestHandler: ReturnType<typeof handlerOver>,
): Promise<Credentials> {
  const { fromNodeProviderChain, fromTemporaryCredentials } = await loadCloud(
    cloud,
    () => import('@aws-sdk/credential-providers'),
  );
  const clientConfig = { region, maxAttempts: 1 };
  const own =
    secret === undefined ? fromNodeProviderChain({ clientConfig }) : { accessKeyId, secretAccessKey: secret };
  if (roleArn === undefined) return own;
  return fromTemporaryCredentials({
    masterCredentials: own,
    params: {
      RoleArn: roleArn,
      RoleSessionName: 'entrepot',
      ...(externalId !== undefined && { ExternalId: externalId }),
    },
    clientConfig: { ...clientConfig, requestHandler },
  });
}

interface SdkRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** What the SDK sends its requests by, so that they go by our proxies, authorities and limits, and nowhere that is refused. */
function handlerOver(transport: Transport, call: CloudCall) {
  return {
    async handle(
      { protocol, hostname, port, path, headers, body = '' }: SdkRequest,
      { abortSignal }: { readonly abortSignal?: AbortSignal } = {},
    ) {
      const url = new URL(path, `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`);
      const { host: _host, 'content-length': _length, ...sent } = headers;
      const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
      try {
        const asked = { method: 'POST', url, headers: sent, body: text, redirects: 'refuse' } as const;
        const answer = await transport.request(asked, abortSignal);
        const type = answer.header('content-type');
        const response = {
          statusCode: answer.status,
          headers: { ...(type !== undefined && { 'content-type': type }) },
          body: await answer.read(maxAnswerBytes),
        };
        return { response };
      } catch (error) {
        throw failedCall(call, error);
      }
    },
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
  };
}

/** What the SDK's errors have. */
interface SdkError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
}

function failureOf({ secret, roleArn }: CloudIdentity, call: CloudCall, error: unknown): unknown {
  if (error instanceof OutboundError || !(error instanceof Error)) return error;
  const { name, $metadata }: SdkError = error;
  const refusal = { status: $metadata?.httpStatusCode, code: name, cause: error };
  if (name === 'SyntaxError') return senselessCall(call, 'something that is no JSON', error);
  if (name === 'CredentialsProviderError' && secret === undefined) {
    const needs =
      'a web identity, a role of the pod, task or machine, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in its environment';
    return refusedCall({ name: 'the server’s own identity at AWS', needs }, refusal);
  }
  if (roleArn !== undefined && isFromSts(error)) {
    const needs =
      'the permission sts:AssumeRole, the trust of the role, and its external_id where it wants one';
    return refusedCall({ name: 'sts:AssumeRole', needs }, refusal);
  }
  return refusedCall(call, refusal);
}

function isFromSts(error: Error): boolean {
  return /sts:|AssumeRole|assume/i.test(error.message);
}
