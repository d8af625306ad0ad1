/** Who may read a fake registry: everyone with a token of its own token endpoint, or one user by Basic. */
import { fill } from './fake-faults.ts';

/** WWW-Authenticate, several of them where it is a list; `{realm}`, `{service}` and `{scope}` stand for what they are. */
type ChallengeText = string | readonly string[];

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
      readonly challenge?: ChallengeText;
      /** The token service's answer, in which `{token}` stands for the token. */
      readonly answer?: Readonly<Record<string, unknown>>;
      /** Of that answer, in place of 200. */
      readonly answerStatus?: number;
      /** The scope that a token must have; of the repository that is asked for without it. */
      readonly needs?: string;
      /** Where a scope is asked for that is not like this, no token is given. */
      readonly knows?: RegExp;
    }
  | {
      readonly kind: 'basic';
      readonly username: string;
      readonly password: string;
      readonly challenge?: ChallengeText;
    };

interface AskedFor {
  readonly query: string;
  readonly repository: string;
  readonly headers: { readonly authorization?: string | undefined };
}

const service = 'fake-registry';

export class FakeTokens {
  readonly #issued = new Map<string, { scope: string; expiresAt: number }>();

  /** The token endpoint's answer: 401 for wrong credentials, 400 for another service. @param host ours, which our tokens begin with */
  issue(
    auth: Extract<FakeAuth, { kind: 'bearer' }>,
    asked: AskedFor,
    host: string,
  ): { readonly status: number; readonly body: string } {
    const query = new URLSearchParams(asked.query);
    const isRight =
      auth.username === undefined || asked.headers.authorization === basic(auth.username, auth.password);
    const isKnown = query.getAll('scope').every((scope) => auth.knows?.test(scope) ?? true);
    const status = !isRight ? 401 : query.get('service') !== service ? 400 : isKnown ? 200 : 403;
    const token = `${host}-${this.#issued.size + 1}`;
    const seconds = auth.expiresInSeconds ?? 300;
    if (status === 200) {
      this.#issued.set(token, {
        scope: query.getAll('scope').join(' '),
        expiresAt: Date.now() + seconds * 1000,
      });
    }
    const said = auth.answer ?? { [auth.field ?? 'token']: '{token}', expires_in: seconds };
    const body = fill(JSON.stringify(status === 200 ? said : { details: 'no' }), { token });
    return { status: status === 200 ? (auth.answerStatus ?? status) : status, body };
  }

  /** What to challenge a request with; undefined where it may pass. */
  challenge(auth: FakeAuth, asked: AskedFor, url: string): ChallengeText | undefined {
    const { authorization } = asked.headers;
    if (auth.kind === 'basic') {
      if (authorization === basic(auth.username, auth.password)) return undefined;
      return auth.challenge ?? 'Basic realm="fake"';
    }
    const scope = auth.needs ?? `repository:${asked.repository}:pull`;
    const issued = this.#issued.get(authorization?.replace(/^Bearer /i, '') ?? '');
    const isScoped = asked.repository === '' || issued?.scope.split(' ').includes(scope);
    if (issued && issued.expiresAt > Date.now() && isScoped) return undefined;
    const usual = `Bearer realm="{realm}",service="{service}"${asked.repository === '' ? '' : ',scope="{scope}"'}`;
    const values = { realm: auth.realm ?? `${url}/token`, service, scope };
    return fill(auth.challenge ?? usual, values);
  }
}

function basic(username: string, password = ''): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
