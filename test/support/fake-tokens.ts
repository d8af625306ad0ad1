/** Who may read a fake registry: everyone with a token of its own token endpoint, or one user by Basic. */
import type { ServerResponse } from 'node:http';

export type FakeAuth =
  | {
      readonly kind: 'bearer';
      /** Without it tokens are given to anyone. */
      readonly username?: string;
      readonly password?: string;
      /** As the answer's `expires_in`; the token is refused after it. */
      readonly expiresInSeconds?: number;
      readonly field?: 'token' | 'access_token';
      /** Another realm than our own `/token`. */
      readonly realm?: string;
    }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string };

interface AskedFor {
  readonly query: string;
  readonly repository: string;
  readonly headers: { readonly authorization?: string | undefined };
}

const service = 'fake-registry';

export class FakeTokens {
  readonly #issued = new Map<string, { scope: string; expiresAt: number }>();

  /** Answers the token endpoint: 401 for wrong credentials, 400 for another service. */
  issue(auth: Extract<FakeAuth, { kind: 'bearer' }>, asked: AskedFor, response: ServerResponse): void {
    const query = new URLSearchParams(asked.query);
    const isRight =
      auth.username === undefined || asked.headers.authorization === basic(auth.username, auth.password);
    const status = !isRight ? 401 : query.get('service') !== service ? 400 : 200;
    const token = `token-${this.#issued.size + 1}`;
    const seconds = auth.expiresInSeconds ?? 300;
    if (status === 200) {
      this.#issued.set(token, {
        scope: query.getAll('scope').join(' '),
        expiresAt: Date.now() + seconds * 1000,
      });
    }
    const body = status === 200 ? { [auth.field ?? 'token']: token, expires_in: seconds } : { details: 'no' };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  /** What to challenge a request with; undefined where it may pass. */
  challenge(auth: FakeAuth, asked: AskedFor, url: string): string | undefined {
    const { authorization } = asked.headers;
    if (auth.kind === 'basic') {
      return authorization === basic(auth.username, auth.password) ? undefined : 'Basic realm="fake"';
    }
    const scope = `repository:${asked.repository}:pull`;
    const issued = this.#issued.get(authorization?.replace(/^Bearer /i, '') ?? '');
    const isScoped = asked.repository === '' || issued?.scope.split(' ').includes(scope);
    if (issued && issued.expiresAt > Date.now() && isScoped) return undefined;
    const realm = auth.realm ?? `${url}/token`;
    return `Bearer realm="${realm}",service="${service}"${asked.repository === '' ? '' : `,scope="${scope}"`}`;
  }
}

function basic(username: string, password = ''): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
