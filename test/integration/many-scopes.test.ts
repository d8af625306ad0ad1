/** One token for all that a client asks for, since clients that copy many repositories append their scopes and never split them. */
import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { basicOf } from '../support/credentials.ts';
import { describeApp } from '../support/describe-app.ts';
import { createProject } from '../support/pushing.ts';

const names = (count: number) => Array.from({ length: count }, (_, index) => `acme/mirror/image-${index}`);
const scopeOf = (name: string, actions = 'pull') => `repository:${name}:${actions}`;

type Ask = (app: TestApp, scopes: readonly string[]) => Promise<Response>;
const asRoot = (app: TestApp) => ({ authorization: basicOf({ username: 'root', secret: app.token }) });
const get =
  (pairs: (scopes: readonly string[]) => string[][]): Ask =>
  (app, scopes) =>
    fetch(`${app.url}/jwt/auth?${new URLSearchParams(pairs(scopes))}`, { headers: asRoot(app) });
const post =
  (pairs: (scopes: readonly string[]) => string[][]): Ask =>
  (app, scopes) => {
    const body = new URLSearchParams([
      ...Object.entries({ grant_type: 'password', username: 'root', password: app.token }),
      ...pairs(scopes),
    ]);
    return fetch(`${app.url}/jwt/auth`, { method: 'POST', body });
  };
const repeated = (scopes: readonly string[]) => scopes.map((scope) => ['scope', scope]);
const together = (scopes: readonly string[]) => [['scope', scopes.join(' ')]];

async function tokenOf(answer: Response): Promise<string> {
  expect(answer.status).toBe(200);
  const { access_token: token } = (await answer.json()) as { access_token: string };
  return token;
}

/** In short: `allowed` where it may be pulled from, and there is nothing. */
async function pull(app: TestApp, token: string, name: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${app.url}/v2/${name}/manifests/1`, { headers });
  const { errors } = (await answer.json()) as { errors: { message: string }[] };
  const message = errors[0]?.message ?? '';
  return message === `there is no repository ${name}` ? 'allowed' : `${answer.status} ${message}`;
}

describeApp('a registry token', (start) => {
  test.each<[string, Ask]>([
    ['GET, each scope a parameter', get(repeated)],
    ['GET, one parameter', get(together)],
    ['POST, each scope a parameter', post(repeated)],
    ['POST, one parameter', post(together)],
  ])('is for every repository that was asked for: %s', async (_way, ask) => {
    await using app = await start();
    await createProject(app, 'acme/mirror');
    for (const count of [40, 100, 500]) {
      const token = await tokenOf(
        await ask(
          app,
          names(count).map((name) => scopeOf(name)),
        ),
      );
      // Some forty of them: unit tests have looked at each.
      const pulled = names(count).filter(
        (_, index) => index % Math.ceil(count / 40) === 0 || index === count - 1,
      );
      const answers = await Promise.all(pulled.map((name) => pull(app, token, name)));
      expect(new Set(answers)).toEqual(new Set(['allowed']));
    }
  });

  test('has room for the last that were asked for, and says so where one of the first is needed', async () => {
    await using app = await start();
    await createProject(app, 'acme/mirror');
    const all = names(1200);
    const token = await tokenOf(
      await post(together)(
        app,
        all.map((name) => scopeOf(name)),
      ),
    );
    expect(await pull(app, token, 'acme/mirror/image-1199')).toBe('allowed');
    expect(await pull(app, token, 'acme/mirror/image-0')).toMatch(
      /^401 the token was not issued for repository:acme\/mirror\/image-0:pull: it has no room for the first \d+ scopes/,
    );
  });

  test('joins the actions of a scope that comes twice', async () => {
    await using app = await start();
    await createProject(app, 'acme/mirror');
    const scopes = [scopeOf('acme/mirror', 'pull'), scopeOf('acme/mirror', 'push')];
    const token = await tokenOf(await get(repeated)(app, scopes));
    const headers = { authorization: `Bearer ${token}` };
    const upload = { method: 'POST', headers };
    expect((await fetch(`${app.url}/v2/acme/mirror/blobs/uploads/`, upload)).status).toBe(202);
    expect(await pull(app, token, 'acme/mirror')).toBe('allowed');
  });

  test('is refused where the form is longer than any has to be', async () => {
    await using app = await start();
    const answer = await post(together)(app, [scopeOf('a'.repeat(100_000))]);
    expect(answer.ok).toBe(false);
    expect(await answer.text()).toContain('a form has at most 65536 bytes');
  });
});
