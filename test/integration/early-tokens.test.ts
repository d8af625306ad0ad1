/** Tokens that are answered before koa, beside the same answers by koa, which gets the path with a slash at its end. */
import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { basicOf } from '../support/credentials.ts';
import { describeApp } from '../support/describe-app.ts';
import { listeningLog } from '../support/listening-log.ts';
import { createProject } from '../support/pushing.ts';

const hosted = 'acme/shop';
const service = 'service=container_registry';
const scope = (actions: string, name = hosted) => `scope=repository:${name}:${actions}`;

interface Question {
  readonly query: string;
  /** Of nobody where it is left out. */
  readonly authorization?: (app: TestApp) => string;
}

const root = ({ token }: TestApp) => basicOf({ username: 'root', secret: token });
const questions: readonly (readonly [string, Question])[] = [
  ['a pull', { query: `${service}&${scope('pull')}`, authorization: root }],
  ['a push', { query: `${service}&${scope('pull,push')}`, authorization: root }],
  ['several', { query: `${service}&${scope('pull')}&${scope('pull', 'acme/none')}`, authorization: root }],
  [
    'more than are looked at at once',
    {
      query: [service, ...Array.from({ length: 9 }, (_, at) => scope('pull', `${hosted}/${at}`))].join('&'),
      authorization: root,
    },
  ],
  ['a login', { query: service, authorization: root }],
  ['nobody', { query: `${service}&${scope('pull')}` }],
  ['nobody and nothing', { query: service }],
  ['nothing at all', { query: '' }],
  ['another service', { query: `service=other&${scope('pull')}`, authorization: root }],
  [
    'a wrong password',
    {
      query: `${service}&${scope('pull')}`,
      authorization: () => basicOf({ username: 'root', secret: 'guessed' }),
    },
  ],
  ['what cannot be read', { query: `${service}&${scope('pull')}`, authorization: () => 'Digest x' }],
];

describeApp('a token that is asked for by GET', (start) => {
  test.each(questions)(
    'for %s is what koa would answer, counted and logged as it would be',
    async (_, question) => {
      const { log, told } = listeningLog();
      await using app = await start({ log });
      await createProject(app, hosted);
      const ask = async (path: string) => {
        const from = told.length;
        const answer = await answered(app, path, question);
        await expect.poll(() => told.length, { interval: 5, timeout: 20_000 }).toBeGreaterThan(from);
        const lines = told
          .slice(from)
          .map(([level, line]) => [level, { ...line, requestId: '', ms: 0, path: '' }]);
        return { ...answer, lines: lines.filter(([, line]) => 'status' in Object(line)) };
      };
      const [early, byKoa] = [await ask('/jwt/auth'), await ask('/jwt/auth/')];
      expect(early).toEqual(byKoa);
      expect(early.lines).toHaveLength(1);
      const counted = /entrepot_requests_total\{method="GET",route="\/jwt\/auth",status="\d+"\} 2/;
      await expect.poll(() => app.metrics(), { interval: 5, timeout: 20_000 }).toMatch(counted);
    },
  );
});

/** All that the answer says, but for what differs between any two. */
async function answered(app: TestApp, path: string, { query, authorization }: Question) {
  const headers = authorization && { authorization: authorization(app) };
  const answer = await fetch(`${app.url}${path}?${query}`, { ...(headers && { headers }) });
  const { 'x-request-id': id, date, 'content-length': length, ...told } = Object.fromEntries(answer.headers);
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(date).toBeDefined();
  const text = await answer.text();
  expect(length).toBe(String(Buffer.byteLength(text)));
  const { token, access_token, issued_at, ...body } = JSON.parse(text);
  expect(access_token).toBe(token);
  const { jti, iat, nbf, exp, ...claims } = token === undefined ? {} : decodeJwt(token);
  const { status, statusText } = answer;
  return { status, statusText, headers: told, body, claims };
}
