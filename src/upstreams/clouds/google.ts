/** Logins to Artifact Registry and gcr.io: an access token is the password. https://cloud.google.com/artifact-registry/docs/docker/authentication#token */
import { importPKCS8, SignJWT } from 'jose';
import { z } from 'zod';
import { untilAborted } from '../../concurrency/until-aborted.ts';
import { loadCloud, postForm, refusedCall, senselessCall } from './cloud-calls.ts';
import type { CloudAsking, CloudIdentity, CloudLogin, CloudPlace } from './cloud-identity.ts';

const username = 'oauth2accesstoken';
const scope = 'https://www.googleapis.com/auth/cloud-platform';
const tokenUrl = 'https://oauth2.googleapis.com/token';
const assertionSeconds = 3600;

const call = {
  name: 'the token exchange of the service account',
  needs:
    'a key that the service account still has, a clock that is right, and roles/artifactregistry.reader at the repositories',
};
const ambientCall = {
  name: 'the access token of the server’s own identity',
  needs: 'a service account of the machine or workload, or GOOGLE_APPLICATION_CREDENTIALS',
};

const answerSchema = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive() });

export async function loginToGoogle(
  identity: CloudIdentity,
  { endpoint }: CloudPlace,
  { transport, now }: CloudAsking,
  signal: AbortSignal,
): Promise<CloudLogin> {
  const { secret, serviceAccount = '', keyId } = identity;
  if (secret === undefined) return ambientLogin(now, signal);
  // https://developers.google.com/identity/protocols/oauth2/service-account#httprest
  const seconds = Math.floor(now() / 1000);
  const assertion = await new SignJWT({ scope })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) })
    .setIssuer(serviceAccount)
    .setAudience(tokenUrl)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + assertionSeconds)
    .sign(await importPKCS8(secret, 'RS256'));
  const form = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion };
  const url = endpoint ?? new URL(tokenUrl);
  const answer = await postForm(transport, call, url, form, answerSchema, now(), signal);
  return { username, password: answer.access_token, lifetimeMs: answer.expires_in * 1000 };
}

/** Of the environment, the cluster or the machine. */
async function ambientLogin(now: () => number, signal: AbortSignal): Promise<CloudLogin> {
  const { GoogleAuth } = await loadCloud('Google', () => import('google-auth-library'));
  const find = async () => {
    const client = await new GoogleAuth({ scopes: [scope] }).getClient();
    const { token } = await client.getAccessToken();
    return { token, expiresAt: client.credentials.expiry_date };
  };
  const { token, expiresAt } = await untilAborted(find(), signal).catch((cause: unknown) => {
    throw signal.aborted
      ? signal.reason
      : refusedCall(ambientCall, { status: undefined, code: undefined, cause });
  });
  if (!token) throw senselessCall(ambientCall, 'no token');
  if (expiresAt == null || expiresAt <= now()) throw senselessCall(ambientCall, 'a token that has expired');
  return { username, password: token, lifetimeMs: expiresAt - now() };
}
