import { createServer, type ServerResponse } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { fakeImage, seededBlob } from '../support/fake-content.ts';
import { createProject, createUser, Pusher } from '../support/pushing.ts';

const image = fakeImage({ layers: [seededBlob(1000, 1)] });
const hangingEndpoints = 50;

/** One host: `/hang/…` never answers, `/drip/…` says 200 and then goes on for ever, everything else is an endpoint that works. */
async function startHost() {
  const hanging = new Set<string>();
  const told: string[] = [];
  const server = createServer((request, response: ServerResponse) => {
    request.resume();
    const { url = '' } = request;
    if (url.startsWith('/hang/')) return void hanging.add(url);
    told.push(url);
    if (!url.startsWith('/drip/')) return void response.end();
    const timer = setInterval(() => response.write('x'), 20);
    response.on('close', () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`, hanging, told };
}

describeApp('endpoints that never answer', (start) => {
  test.each([
    ['of one project', 1, false],
    ['of many projects', 5, false],
    ['of the configuration', 1, true],
  ])('%s, at the same host, delay no other’s events', async (_what, projects, areConfigured) => {
    const host = await startHost();
    const names = Array.from({ length: hangingEndpoints }, (_, n) => `h${n}`);
    const configured = names.map((name) => ({ name, url: `${host.url}/hang/${name}` }));
    await using app = await start({
      environment: {
        ENTREPOT_WEBHOOKS__ALLOWED_NETWORKS: '127.0.0.0/8',
        // For longer than the test.
        ENTREPOT_WEBHOOKS__TIMEOUT_SECONDS: '300',
        ENTREPOT_HTTP__SHUTDOWN_SECONDS: '1',
        ...(areConfigured && { ENTREPOT_WEBHOOKS__ENDPOINTS: JSON.stringify(configured) }),
      },
    });
    const paths = Array.from({ length: projects }, (_, n) => `acme/hanging${n}`);
    for (const path of [...paths, 'acme/working']) await createProject(app, path);
    if (!areConfigured)
      for (const [n, { url }] of configured.entries()) {
        const project = encodeURIComponent(paths[n % projects] ?? '');
        expect((await app.api('POST', `/projects/${project}/hooks`, { url })).status).toBe(201);
      }
    for (const path of ['/works', '/drip/works'])
      await app.api('POST', `/projects/${encodeURIComponent('acme/working')}/hooks`, {
        url: host.url + path,
      });
    const alice = await createUser(app, 'alice', ['acme']);
    for (const path of paths) await new Pusher(app, path, alice).image(image, 'v1');
    await new Pusher(app, 'acme/working', alice).image(image, 'v1');
    for (const path of ['/works', '/drip/works'])
      await eventually(() => expect(host.told.filter((url) => url === path)).toHaveLength(3));
    await eventually(() => expect(host.hanging.size).toBe(hangingEndpoints));
  });
});
