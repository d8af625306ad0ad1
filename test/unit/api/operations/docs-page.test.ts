import { readFile } from 'node:fs/promises';
import Koa from 'koa';
import { expect, test } from 'vitest';
import { answerErrors } from '../../../../src/api/errors.ts';
import { docsPage } from '../../../../src/api/operations/docs-page.ts';
import type { RequestState } from '../../../../src/api/state.ts';
import { UnavailableError } from '../../../../src/oci/unavailable.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { ask } from '../ask.ts';

const part = '/api/docs/swagger-ui-bundle.js';

test('a part that cannot be read now is answered 503, and afterwards each is read once', async () => {
  let failures = 2;
  const paths: string[] = [];
  const app = new Koa<RequestState>();
  app.use((ctx, next) => {
    ctx.state.log = silentLog;
    return next();
  });
  app.use(answerErrors);
  app.use(
    docsPage(async (path) => {
      failures -= 1;
      if (failures >= 0) throw new UnavailableError('the server has too many files open');
      paths.push(path);
      return readFile(path);
    }),
  );
  const refused = await ask(app, part);
  expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5']);
  expect((await ask(app, part)).status).toBe(503);
  for (const _ of [1, 2]) {
    const { status, headers, body } = await ask(app, part);
    expect([status, headers['content-type']]).toEqual([200, 'text/javascript; charset=utf-8']);
    expect(Number(headers['content-length'])).toBe(Buffer.byteLength(body));
    expect((await ask(app, part, { headers: { 'if-none-match': String(headers['etag']) } })).status).toBe(
      304,
    );
  }
  expect(paths).toHaveLength(2);
});
