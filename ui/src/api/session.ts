/** Who is signed in at this browser. */

import { request } from './api.ts';
import { parseError } from './api-error.ts';

export interface Session {
  readonly user: {
    readonly id: number;
    readonly username: string;
    readonly name: string;
    readonly is_admin: boolean;
  };
  readonly csrf_token: string;
}

export interface SessionState {
  /** Null: nobody is signed in. */
  readonly session: Session | null;
  /** Whether people may sign in at an OpenID provider. */
  readonly oidc: boolean;
}

async function ask(base: string, path: string, init: RequestInit): Promise<Response> {
  const answer = await request(new URL(path, base), init);
  if (!answer.ok) throw parseError(answer.status, await answer.text(), answer.headers.get('Retry-After'));
  return answer;
}

/** @throws ApiError */
export async function findState(base: string): Promise<SessionState> {
  return (await ask(base, 'session/state', {})).json();
}

/** @throws ApiError */
export async function signIn(base: string, username: string, password: string): Promise<Session> {
  const headers = { 'Content-Type': 'application/json' };
  const body = JSON.stringify({ username, password });
  return (await ask(base, 'session', { method: 'POST', headers, body })).json();
}

/** @throws ApiError */
export async function signOut(base: string, csrfToken: string): Promise<void> {
  await ask(base, 'session', { method: 'DELETE', headers: { 'X-CSRF-Token': csrfToken } });
}
