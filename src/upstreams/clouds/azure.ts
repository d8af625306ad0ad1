/** Logins to Azure's registries: a token of Entra is exchanged for one of the registry. https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md */
import { decodeJwt } from 'jose';
import { z } from 'zod';
import { untilAborted } from '../../concurrency/until-aborted.ts';
import type { OutboundError } from '../../outbound/outbound-error.ts';
import { loadCloud, postForm, refusedCall, senselessCall } from './cloud-calls.ts';
import type { CloudAsking, CloudIdentity, CloudLogin, CloudPlace } from './cloud-identity.ts';

/** What the registry takes in place of a name. */
const username = '00000000-0000-0000-0000-000000000000';
const scope = 'https://containerregistry.azure.net/.default';
/** Of a token that does not say: they are good for three. */
const assumedLifetimeMs = 60 * 60 * 1000;

const authorities: Readonly<Record<string, string>> = {
  io: 'https://login.microsoftonline.com',
  cn: 'https://login.chinacloudapi.cn',
  us: 'https://login.microsoftonline.us',
};

const entraCall = {
  name: 'the token of the application at Entra',
  needs: 'its tenant_id, its client_id, and a client_secret that has not expired',
};
const ambientCall = {
  name: 'the token of the server’s own identity at Entra',
  needs: 'a workload identity or a managed identity of the machine',
};
const exchangeCall = { name: 'the registry’s /oauth2/exchange', needs: 'the role AcrPull at the registry' };

const tokenSchema = z.object({ access_token: z.string().min(1) });
const exchangeSchema = z.object({ refresh_token: z.string().min(1) });

export async function loginToAzure(
  identity: CloudIdentity,
  { endpoint }: CloudPlace,
  { registry, transport, now }: CloudAsking,
  signal: AbortSignal,
): Promise<CloudLogin> {
  const ask = <T>(...[call, url, form, schema]: AskingForm<T>) =>
    postForm(transport, call, url, form, schema, now(), signal);
  const { secret, tenantId = '', clientId = '' } = identity;
  const authority = endpoint?.href ?? authorities[registry.hostname.split('.').at(-1) ?? ''];
  const found =
    secret === undefined
      ? await ambientToken(identity, signal)
      : await ask(
          entraCall,
          new URL(`/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`, authority),
          { grant_type: 'client_credentials', client_id: clientId, client_secret: secret, scope },
          tokenSchema,
        );
  const exchanged = await ask(
    exchangeCall,
    new URL('/oauth2/exchange', registry),
    { grant_type: 'access_token', service: registry.host, access_token: found.access_token },
    exchangeSchema,
  );
  return {
    username,
    password: exchanged.refresh_token,
    lifetimeMs: lifetimeOf(exchanged.refresh_token, now()),
  };
}

type AskingForm<T> = [
  call: typeof entraCall,
  url: URL,
  form: Readonly<Record<string, string>>,
  schema: z.ZodType<T>,
];

/** Of the environment, the cluster or the machine. */
async function ambientToken(
  { tenantId, clientId }: CloudIdentity,
  signal: AbortSignal,
): Promise<z.output<typeof tokenSchema>> {
  const { DefaultAzureCredential } = await loadCloud('Azure', () => import('@azure/identity'));
  const options = {
    ...(tenantId !== undefined && { tenantId }),
    ...(clientId !== undefined && { managedIdentityClientId: clientId, workloadIdentityClientId: clientId }),
  };
  const asked = new DefaultAzureCredential(options).getToken(scope, { abortSignal: signal });
  const { token } = await untilAborted(asked, signal).catch((cause: unknown) => {
    throw signal.aborted ? signal.reason : refusedToken(cause);
  });
  return { access_token: token };
}

function refusedToken(cause: unknown): OutboundError {
  const code = cause instanceof Error ? /\bAADSTS\d+/.exec(cause.message)?.[0] : undefined;
  return refusedCall(ambientCall, { status: undefined, code, cause });
}

/** @throws OutboundError for what has ended already */
function lifetimeOf(token: string, now: number): number {
  const lifetimeMs = expiryOf(token, now + assumedLifetimeMs) - now;
  if (lifetimeMs > 0) return lifetimeMs;
  throw senselessCall(exchangeCall, 'a token that has expired');
}

function expiryOf(token: string, otherwise: number): number {
  try {
    const { exp } = decodeJwt(token);
    return exp === undefined ? otherwise : exp * 1000;
  } catch {
    return otherwise;
  }
}
