/** What pushers, colleagues and endpoints write is shown as it was written, and is never more than text. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { fakeImage } from '../support/fake-content.ts';
import { createProject, Pusher } from '../support/pushing.ts';
import { demand, describePage } from './support/describe-page.ts';
import { attach, imageOf, repositoryNumber } from './support/pushed-images.ts';
import type { Visit } from './support/visit.ts';

/** Would run in an attribute, in an element, and where text becomes a link. */
const hostile = (what: string) =>
  `"><img src=x onerror="globalThis.ran=1"><script>globalThis.ran=1</script>${what}`;

const image = imageOf({
  version: hostile('label'),
  commands: [hostile('command')],
  labels: { [hostile('label-name')]: 'x' },
  annotations: { note: hostile('annotation'), [hostile('annotation-name')]: 'x' },
  author: hostile('author'),
});
const plain = imageOf({ version: '1', commands: [hostile('command')] });
const odd = fakeImage({ artifactType: `application/x.${hostile('artifact-type')}` });

const project = '/projects/acme%2Fshop';

interface World {
  readonly app: TestApp;
  readonly visitor: Visit;
  /** Of the repository's pages. */
  readonly repository: string;
  readonly hook: number;
}

/** Each with the page that shows it. */
const cases: readonly (readonly [string, (world: World) => string])[] = [
  ...[
    'label',
    'label-name',
    'annotation',
    'annotation-name',
    'author',
    'command',
    'referrer-type',
    'referrer-note',
  ].map((what) => [what, ({ repository }: World) => `${repository}/tags/v1`] as const),
  ...['label', 'label-name', 'command'].map(
    (what) => [what, ({ repository }: World) => `${repository}/compare?left=v1&right=v2`] as const,
  ),
  ['artifact-type', ({ repository }) => `${repository}/tags/odd`],
  ['group', () => '/groups'],
  ['group', () => '/groups/acme'],
  ['project', () => '/groups?tab=projects'],
  ['project', () => project],
  ['user', () => `${project}?tab=members`],
  ['user', () => '/administration'],
  ['access-token', () => `${project}?tab=tokens`],
  ['deploy-token', () => `${project}?tab=tokens`],
  ['trust', () => `${project}?tab=ci`],
  ['claim', () => `${project}?tab=ci`],
  ['claim-name', () => `${project}?tab=ci`],
  ['hook', () => `${project}?tab=hooks`],
  ['hook-note', () => `${project}?tab=hooks`],
  ['hook', ({ hook }) => `${project}/hooks/${hook}`],
  ['endpoint', ({ hook }) => `${project}/hooks/${hook}`],
  ['project', () => `${project}?tab=audit`],
  [
    'event-filter',
    () => `/administration?tab=audit&event_name=${encodeURIComponent(hostile('event-filter'))}`,
  ],
  ['digest', () => `/administration?tab=collector&digest=${encodeURIComponent(hostile('digest'))}`],
  ['message', () => '/administration?tab=settings'],
  ['registry', () => '/registries'],
  ['registry-note', () => '/registries'],
  ['registry', () => '/registries/1'],
  ['registry-note', () => '/registries/1'],
  ['upstream', () => '/registries/1'],
  ['upstream-note', () => '/registries/1'],
  ['upstream', () => '/registries/1?tab=explain&image=team%2Fapp%3Av1'],
  ['image', () => `/registries/1?tab=explain&image=${encodeURIComponent(hostile('image'))}`],
  ['upstream', () => '/registries/1?tab=cache'],
  ['upstream', () => '/'],
];

async function makeWorld(app: TestApp, visitor: Visit, endpointUrl: string): Promise<World> {
  await createProject(app, 'acme/shop', { description: hostile('project') });
  await demand(app.api('PUT', '/groups/acme', { description: hostile('group') }));
  const { id: hook } = await demand(
    app.api('POST', `${project}/hooks`, {
      url: endpointUrl,
      name: hostile('hook'),
      description: hostile('hook-note'),
    }),
  );
  const pusher = new Pusher(app, 'acme/shop');
  await pusher.image(image, 'v1');
  await pusher.image(plain, 'v2');
  await pusher.image(odd, 'odd');
  await attach(pusher, image, `application/x.${hostile('referrer-type')}`, {
    note: hostile('referrer-note'),
  });
  const user = await demand(app.api('POST', '/users', { username: 'mallory', name: hostile('user') }));
  await demand(app.api('POST', `${project}/members`, { user_id: user.id, access_level: 30 }));
  const scopes = ['read_registry'];
  await demand(app.api('POST', `${project}/access_tokens`, { name: hostile('access-token'), scopes }));
  await demand(app.api('POST', `${project}/deploy_tokens`, { name: hostile('deploy-token'), scopes }));
  await demand(
    app.api('POST', `${project}/ci_trusts`, {
      name: hostile('trust'),
      issuer: 'https://ci.example.com',
      audience: 'us',
      claims: { project_path: hostile('claim'), [hostile('claim-name')]: 'x' },
    }),
  );
  await demand(app.api('PUT', '/application/settings', { maintenance_mode_message: hostile('message') }));
  const registry = '/virtual_registries/container/registries/1';
  await demand(
    app.api('PATCH', registry, { name: hostile('registry'), description: hostile('registry-note') }),
  );
  await demand(
    app.api('POST', `${registry}/upstreams`, {
      url: endpointUrl,
      name: hostile('upstream'),
      description: hostile('upstream-note'),
    }),
  );
  const id = await repositoryNumber(app, 'acme/shop', 'acme/shop');
  return { app, visitor, hook, repository: `${project}/repositories/${id}` };
}

describePage('hostile text', ({ start, visit }) => {
  let world: World;
  const endpoint = createServer((_request, response) => {
    response.statusCode = 500;
    response.end(hostile('endpoint'));
  });
  beforeAll(async () => {
    endpoint.listen(0, '127.0.0.1');
    await once(endpoint, 'listening');
    const { port } = endpoint.address() as AddressInfo;
    const app = await start({
      environment: {
        ENTREPOT_WEBHOOKS__ALLOWED_NETWORKS: '127.0.0.0/8',
        ENTREPOT_WEBHOOKS__MAX_RETRIES: '0',
      },
    });
    const visitor = await visit(app.url);
    world = await makeWorld(app, visitor, `http://127.0.0.1:${port}/`);
    await visitor.goTo('/groups');
    await visitor.signIn();
  });
  afterAll(async () => {
    endpoint.close();
    await world?.app.close();
  });

  test.each(cases)('is text in: %s, case %#', async (what, pathOf) => {
    const { app, visitor } = world;
    const { page } = visitor;
    await page.goto('about:blank');
    await page.goto(`${app.url}/#${pathOf(world)}`);
    await page.locator('h1').waitFor();
    const texts = async () => {
      await page.locator('details:not([open]) > summary').evaluateAll((all) => {
        for (const each of all) (each as { click(): void }).click();
      });
      const written = page.locator('#page, input').filter({ visible: true });
      const values = await page
        .locator('input')
        .evaluateAll((all) => all.map((each) => (each as { value?: string }).value ?? ''));
      return `${(await written.allTextContents()).join(' ')} ${values.join(' ')}`;
    };
    await expect.poll(texts).toContain(hostile(what));
    const found = await page.evaluate<unknown>(
      "[globalThis.ran, document.querySelectorAll('img, body script, iframe, object').length, document.querySelectorAll('[onerror]').length]",
    );
    expect(found).toEqual([null, 0, 0].map((each, index) => (index === 0 ? undefined : each)));
    visitor.expectNoFaults();
  });
});
