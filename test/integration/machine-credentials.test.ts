import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { jsonOf } from '../support/bodies.ts';
import { basicOf, Credentials, type Secret } from '../support/credentials.ts';
import { describeApp } from '../support/describe-app.ts';
import { createProject, Pusher } from '../support/pushing.ts';

const config = Buffer.from('{}');
const type = 'application/vnd.oci.image.manifest.v1+json';

async function pushImage(app: TestApp, name: string, secret: Secret): Promise<number> {
  const pusher = new Pusher(app, name, { username: secret.username, token: secret.secret });
  const digest = await pusher.blob(config);
  const manifest = {
    schemaVersion: 2,
    mediaType: type,
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest, size: config.length },
    layers: [],
  };
  const init = { headers: { 'content-type': type }, body: JSON.stringify(manifest) };
  return (await pusher.ask('PUT', 'manifests/v1', init)).status;
}

describeApp('what a machine does', (start) => {
  test('is audited under its own name, and seen by who owns the project', async () => {
    await using app = await start();
    const credentials = new Credentials(app);
    const projectId = await createProject(app, 'acme/shop');
    const deploy = await credentials.deployToken(
      'groups',
      'acme',
      ['read_registry', 'write_registry'],
      'pusher',
    );
    const user = await credentials.user('dana');
    await credentials.member('groups', 'acme', user, 'Developer');
    const job = await credentials.jobToken(projectId, { user_id: user });
    expect(await pushImage(app, 'acme/shop/by-deploy-token', deploy)).toBe(201);
    expect(await pushImage(app, 'acme/shop/by-job', job)).toBe(201);
    const answer = await app.api('GET', '/projects/acme%2Fshop/audit_events?event_name=manifest.push');
    expect(await jsonOf(answer)).toMatchObject([
      {
        author_id: null,
        details: {
          author_name: 'test',
          attributes: { writer: `job:${job.id}`, repository: 'acme/shop/by-job' },
        },
      },
      {
        author_id: null,
        details: {
          author_name: 'pusher',
          attributes: { writer: `deploy-token:${deploy.id}`, repository: 'acme/shop/by-deploy-token' },
        },
      },
    ]);
  });

  test('has no place in the REST API', async () => {
    await using app = await start();
    const credentials = new Credentials(app);
    const projectId = await createProject(app, 'acme/shop');
    const user = await credentials.user('dana');
    await credentials.member('groups', 'acme', user, 'Owner');
    const { secret: deploy } = await credentials.deployToken('groups', 'acme', ['read_registry']);
    const { secret: job } = await credentials.jobToken(projectId, { user_id: user });
    const attempts: Record<string, string>[] = [deploy, job].flatMap((token) => [
      { 'private-token': token },
      { authorization: `Bearer ${token}` },
      { 'job-token': token },
      { 'deploy-token': token },
      { authorization: basicOf({ username: 'gitlab-ci-token', secret: token }) },
    ]);
    for (const headers of attempts) {
      const answer = await fetch(`${app.url}/api/v4/user`, { headers });
      expect([headers, answer.status]).toEqual([headers, 401]);
      // What is not read there is as if nothing was said: they see what everyone may.
      const groups = await fetch(`${app.url}/api/v4/groups`, { headers });
      if (groups.status !== 401) expect(await groups.json()).toEqual([]);
    }
    const inQuery = await fetch(`${app.url}/api/v4/user?job_token=${job}`);
    expect(inQuery.status).toBe(401);
  });
});
