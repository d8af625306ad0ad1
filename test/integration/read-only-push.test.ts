import { expect, test } from 'vitest';
import { bearerOf } from '../support/bearer.ts';
import { errorOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { fakeImage } from '../support/fake-content.ts';
import { createProject, createUser, Pusher } from '../support/pushing.ts';

describeApp('in read-only mode', (start) => {
  test('a push is told why, whatever its token was made for, and a pull works', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const image = fakeImage({ layers: [] });
    await new Pusher(app, 'acme/shop').image(image, '1');
    const dana = await createUser(app, 'dana', ['acme']);
    const scope = 'repository:acme/shop:pull,push';
    const ask = (authorization: string, method: string, path: string) =>
      fetch(`${app.url}/v2/acme/shop/${path}`, { method, headers: { authorization } });
    const secret = { username: dana.username, secret: dana.token };
    const before = await bearerOf(app.url, secret, scope);

    const message = 'the registry moves house until noon';
    const body = { maintenance_mode: true, maintenance_mode_message: message };
    expect((await app.api('PUT', '/application/settings', body)).status).toBe(200);
    const during = await bearerOf(app.url, secret, scope);
    for (const authorization of [before, during]) {
      expect((await ask(authorization, 'GET', 'manifests/1')).status).toBe(200);
      for (const [method, path] of [
        ['POST', 'blobs/uploads/'],
        ['PUT', 'manifests/1'],
        ['DELETE', 'manifests/1'],
      ] as const) {
        const answer = await ask(authorization, method, path);
        expect([method, answer.status]).toEqual([method, 503]);
        expect((await errorOf(answer)).message).toBe(message);
      }
    }

    expect((await app.api('PUT', '/application/settings', { maintenance_mode: false })).status).toBe(200);
    app.advance(1001);
    expect((await ask(before, 'POST', 'blobs/uploads/')).status).toBe(202);
    // Docker tries again with the token that it has.
    expect((await ask(during, 'POST', 'blobs/uploads/')).status).toBe(202);
  });
});
