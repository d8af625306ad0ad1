import Koa from 'koa';
import { expect, test } from 'vitest';
import { answerErrors } from '../../../../src/api/errors.ts';
import { createGitlabRouter } from '../../../../src/api/gitlab/router.ts';
import type { GitlabOptions } from '../../../../src/api/gitlab/services.ts';
import type { RequestState } from '../../../../src/api/state.ts';
import type { CarriedGrant } from '../../../../src/auth/rights/identity.ts';
import { repositoryScope } from '../../../../src/auth/rights/scope.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { ask } from '../ask.ts';

/** What a token carries for acme/shop/web, and what becomes of a rename with it. */
async function renameWith(grant: CarriedGrant) {
  const renamed: string[] = [];
  const app = new Koa<RequestState>();
  app.use(async (ctx, next) => {
    ctx.state.log = silentLog;
    ctx.state.externalUrl = 'https://registry.example';
    const principal = { kind: 'user', userId: 7 } as const;
    ctx.state.identity = { kind: 'registry-token', subject: 'dana', principal, access: [grant], refused: [] };
    await next();
  });
  app.use(answerErrors);
  const options: Pick<GitlabOptions, 'access' | 'renames' | 'maintenance'> = {
    access: {
      identify: async () => undefined,
      require: async () => undefined,
      protectionLevel: async () => 0,
    },
    renames: {
      rename: async (_actor, { path, holder }) => {
        renamed.push(`${path} by ${holder}`);
      },
      announce: async () => 0,
    },
    maintenance: { readOnlyReason: async () => undefined },
  };
  app.use(createGitlabRouter(options as GitlabOptions));
  const path = '/gitlab/v1/repositories/acme/shop/web/';
  const answer = await ask(app, path, { method: 'PATCH', body: '{"name":"site"}' });
  const code = answer.body === '' ? undefined : JSON.parse(answer.body).errors[0].code;
  return { status: answer.status, code, challenge: answer.headers['www-authenticate'], renamed };
}

const pushing = repositoryScope('acme/shop/web', ['pull', 'push']);

test.each(['acme/shop', 'acme/shop/web'])(
  'a token of the project %s renames what is in it',
  async (projectPath) => {
    expect(await renameWith({ ...pushing, projectPath })).toMatchObject({
      status: 204,
      renamed: ['acme/shop/web by user:7'],
    });
  },
);

test.each([
  [{}, 'UNKNOWN_PROJECT_PATH_CLAIM'],
  [{ projectPath: 'acme/sho' }, 'MISMATCH_PROJECT_PATH_CLAIM'],
  [{ projectPath: 'acme/shop/web/x' }, 'MISMATCH_PROJECT_PATH_CLAIM'],
])('a token that says %j of its project renames nothing: %s', async (claim, code) => {
  expect(await renameWith({ ...pushing, ...claim })).toEqual({
    status: 401,
    code,
    challenge: 'Bearer error="invalid_token"',
    renamed: [],
  });
});
