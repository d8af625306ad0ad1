/** What docs/troubleshooting.md says that requests are answered, beside what clients show (test/e2e/credentials.test.ts). */
import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { basicOf } from '../support/credentials.ts';
import { describeApp } from '../support/describe-app.ts';
import { documentedMessage } from '../support/documented-messages.ts';
import { fakeImage, fakeIndex } from '../support/fake-content.ts';
import { createProject, Pusher } from '../support/pushing.ts';

const project = 'acme/shop';
/** Enough to prepare each refusal. */
const allowedRequests = 40;
const wrong = { authorization: basicOf({ username: 'root', secret: 'not the password' }) };

/** By the heading, what brings about the refusal, and its status. */
const refusals: readonly [string, number, (app: TestApp) => Promise<Response>][] = [
  [
    'Too many failed attempts',
    429,
    async (app) => {
      for (let attempt = 0; attempt < 10; attempt += 1) await app.v2('', { headers: wrong });
      return app.v2('', { headers: wrong });
    },
  ],
  [
    'Too many requests',
    429,
    async (app) => {
      const headers = { authorization: 'Bearer wrong' };
      for (let request = 0; request < allowedRequests; request += 1)
        await app.manifest('x', '1', { headers });
      return app.manifest('x', '1', { headers });
    },
  ],
  ['Names with special characters', 400, (app) => app.v2('acme/-shop_/manifests/1')],
  [
    '"Blob unknown" when an index (manifest list) is pushed',
    400,
    async (app) => {
      const image = fakeImage();
      await new Pusher(app, `${project}/amd64`).image(image);
      return new Pusher(app, project).manifest(fakeIndex({ manifests: [image] }), '1');
    },
  ],
  [
    'Old Docker clients, and schema 1 images',
    400,
    (app) => {
      const mediaType = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
      const payload = Buffer.from('{"schemaVersion": 1}');
      return new Pusher(app, project).manifest({ mediaType, payload }, '1');
    },
  ],
];

describeApp('docs/troubleshooting.md', (start) => {
  test.each(refusals)('says what is said: %s', async (heading, status, refuse) => {
    await using app = await start({
      environment: { ENTREPOT_RATE_LIMITS__REQUESTS: String(allowedRequests) },
    });
    await createProject(app, project);
    const answer = await refuse(app);
    expect(answer.status).toBe(status);
    expect(await answer.text()).toMatch(documentedMessage(heading, 'HTTP'));
  });
});
