import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { errorOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { createProject, Pusher } from '../support/pushing.ts';

const hello = Buffer.from('hello, world');
const digest = digestOf(hello);

describeApp('a quota', (start) => {
  test('of a project refuses what is too much, saying how much is used and allowed', async () => {
    await using app = await start();
    const id = await createProject(app, 'acme/shop');
    await app.api('PUT', `/projects/${id}`, { container_registry_quota_bytes: 20 });
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.blob('0123456789');
    const location = await pusher.start();
    const answer = await pusher.put(location, digest, hello);
    expect(answer.status).toBe(403);
    const { code, message } = await errorOf(answer);
    expect(code).toBe('DENIED');
    expect(message).toBe(
      'project acme/shop uses 10 of 20 bytes, and 12 more are needed: delete images, or ask an Owner above it for a higher quota (container_registry_quota_bytes)',
    );
    expect((await pusher.ask('HEAD', `blobs/${digest}`)).status).toBe(404);
    expect((await pusher.at(location, 'GET')).status).toBe(404);
    expect(await app.filesUnder('')).toHaveLength(1);
    await app.api('PUT', `/projects/${id}`, { container_registry_quota_bytes: null });
    await pusher.blob(hello);
  });

  test('of a group holds for all that is below it, and for mounts', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    await createProject(app, 'acme/team/tools');
    await app.api('PUT', '/groups/acme', { container_registry_quota_bytes: 20 });
    await new Pusher(app, 'acme/shop').blob(hello);
    const tools = new Pusher(app, 'acme/team/tools');
    const mounted = await tools.ask('POST', `blobs/uploads/?mount=${digest}&from=acme/shop`);
    expect(mounted.status).toBe(403);
    expect((await errorOf(mounted)).message).toMatch(
      /^group acme uses 12 of 20 bytes, and 12 more are needed: delete images/,
    );
    await tools.blob('01234567');
  });
});
