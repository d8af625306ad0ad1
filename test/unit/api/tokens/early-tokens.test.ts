import { createServer } from 'node:http';
import Koa from 'koa';
import { expect, onTestFinished, test } from 'vitest';
import { answerErrors } from '../../../../src/api/errors.ts';
import { Requests } from '../../../../src/api/requests.ts';
import type { RequestState } from '../../../../src/api/state.ts';
import { answerTokens } from '../../../../src/api/tokens/early-tokens.ts';
import { type TokenRoutesOptions, tokenRoutes } from '../../../../src/api/tokens/token.ts';
import { UnavailableError } from '../../../../src/oci/unavailable.ts';
import { eventually } from '../../../support/eventually.ts';
import { listeningLog } from '../../../support/listening-log.ts';

test('what fails is answered by koa, as one request', async () => {
  const { log, told } = listeningLog();
  const answers: [string, number][] = [];
  const requests = new Requests({
    log,
    logged: 'all',
    observer: { answered: (_, route, status) => answers.push([route, status]), served: () => undefined },
    externalUrl: undefined,
    trustedProxies: [],
    now: () => 0,
  });
  const fail = () => Promise.reject(new UnavailableError('the database has gone'));
  const tokens: TokenRoutesOptions = {
    authenticator: { authenticate: fail },
    registryTokens: { issue: fail, serves: () => true },
    rights: { judge: fail, findProject: fail },
    grantMetas: { addTo: fail },
  };
  const koa = new Koa<RequestState>();
  koa.use(requests.middleware);
  koa.use(answerErrors);
  koa.use(tokenRoutes(tokens).routes());
  const answer = koa.callback();
  const server = createServer(
    answerTokens({ requests, tokens, findMirror: () => undefined }, answer, answer),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const response = await fetch(`http://127.0.0.1:${port}/jwt/auth?service=container_registry`, {
    headers: { authorization: 'Basic YTpi' },
  });
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('5');
  expect(await response.json()).toEqual({
    errors: [{ code: 'UNAVAILABLE', message: 'the database has gone' }],
  });
  await eventually(() => expect(answers).toEqual([['/jwt/auth', 503]]));
  const lines = told.flatMap(([level, fields]) => ('status' in fields ? [[level, fields.status]] : []));
  expect(lines).toEqual([['warn', 503]]);
});
