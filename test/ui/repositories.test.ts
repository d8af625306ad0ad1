import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { createProject, Pusher } from '../support/pushing.ts';
import { describePage, describePageOnEach } from './support/describe-page.ts';
import { attach, imageOf, repositoryNumber } from './support/pushed-images.ts';

const base = 'FROM debian:13';
const older = imageOf({ version: '1.0', commands: [base, 'RUN npm ci', 'COPY . .'] });
const newer = imageOf({
  version: '1.1',
  commands: [base, 'RUN npm ci', 'COPY src .'],
  labels: { 'org.opencontainers.image.licenses': 'MIT' },
});

/** A repository with some tags, one of which nobody changes. */
async function push(app: TestApp): Promise<string> {
  await createProject(app, 'acme/shop');
  const pusher = new Pusher(app, 'acme/shop/web');
  for (const tag of ['1.0', 'dev-1', 'dev-2', 'release-1']) await pusher.image(older, tag);
  await pusher.image(newer, '1.1');
  await attach(pusher, newer, 'application/spdx+json', { 'org.opencontainers.image.title': 'sbom.json' });
  await attach(pusher, newer, 'application/vnd.dev.cosign.simplesigning.v1+json');
  const rules = `/projects/${encodeURIComponent('acme/shop')}/registry/protection/tag/immutable_rules`;
  await app.api('POST', rules, { tag_name_pattern: '^release-' });
  const id = await repositoryNumber(app, 'acme/shop', 'acme/shop/web');
  return `/projects/acme%2Fshop/repositories/${id}`;
}

describePage('repositories', ({ start, visit }) => {
  test('show what is pushed: searched, sorted and chosen by an address that can be shared', async () => {
    await using app = await start();
    const path = await push(app);
    const visitor = await visit(app.url);
    const { page } = visitor;
    await visitor.goTo('/projects/acme%2Fshop');
    await visitor.signIn();
    await visitor.expectTitle('acme/shop');
    await visitor.expectSound('project');
    await page.getByRole('link', { name: 'web', exact: true }).click();
    await visitor.expectTitle('acme/shop/web');
    await page.getByRole('button', { name: 'Tag', exact: true }).click();
    const names = () => page.locator('tbody tr td:nth-child(2)').allTextContents();
    await expect.poll(names).toEqual(['1.0', '1.1', 'dev-1', 'dev-2', 'release-1']);
    await visitor.expectSound('repository');
    await page.getByRole('searchbox').fill('dev');
    await expect.poll(names).toEqual(['dev-1', 'dev-2']);
    await page.getByLabel('Select dev-2').check();
    expect(page.url()).toContain('search=dev');

    const friend = await visit(app.url);
    await friend.page.goto(page.url());
    await friend.signIn();
    const shared = friend.page.locator('tbody tr.selected');
    await expect.poll(() => shared.count()).toBe(1);
    expect(await shared.textContent()).toContain('dev-2');
    expect(path).toContain('repositories');
    visitor.expectNoFaults();
  });

  test('say what an image is, and how two differ', async () => {
    await using app = await start();
    const path = await push(app);
    const visitor = await visit(app.url);
    const { page } = visitor;
    await visitor.goTo(`${path}/tags/1.1`);
    await visitor.signIn();
    await visitor.expectTitle('acme/shop/web:1.1');
    const host = new URL(app.url).host;
    for (const text of [
      `docker pull ${host}/acme/shop/web:1.1`,
      `docker pull ${host}/acme/shop/web@${newer.digest}`,
      'RUN npm ci',
      'ENV MODE=production',
      'linux/amd64',
      'org.opencontainers.image.licenses',
      'application/spdx+json',
    ])
      await page.getByText(text, { exact: true }).first().waitFor();
    await expect.poll(() => page.locator('.facts').textContent()).toContain('root');
    await page.getByText('Manifest sha256:').click();
    await expect.poll(() => page.locator('pre.raw').textContent()).toContain('"schemaVersion": 2');
    await page.getByText('Config linux/amd64').click();
    await expect.poll(() => page.locator('pre.raw').last().textContent()).toContain('"history"');
    await visitor.expectSound('tag');

    await visitor.goTo(`${path}?selected=1.0,1.1`);
    await page.getByRole('link', { name: 'Compare' }).click();
    await visitor.expectTitle('Compare two tags');
    const layers = page.getByRole('table', { name: 'Layers' });
    await expect.poll(() => layers.getByRole('row').filter({ hasText: 'both' }).count()).toBe(2);
    expect(await layers.getByRole('row').filter({ hasText: 'COPY . .' }).textContent()).toContain('1.0');
    const labels = page.getByRole('table', { name: 'Labels and what else differs' });
    expect(await labels.textContent()).toContain('org.opencontainers.image.version');
    await visitor.expectSound('compare');
    visitor.expectNoFaults();
  });
});

describePageOnEach('tags of a repository', ({ start, visit }) => {
  test('delete several tags after it is shown which go, and restore one', async () => {
    await using app = await start();
    const path = await push(app);
    const visitor = await visit(app.url);
    const { page } = visitor;
    await visitor.goTo(`${path}?sort=name&selected=dev-1,dev-2,release-1`);
    await visitor.signIn();
    await page.getByRole('button', { name: 'Delete…', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('2 tags go').waitFor();
    const stays = dialog.getByRole('list', { name: '1 tag stays' });
    expect(await stays.textContent()).toMatch(/release-1.*immutable/);
    await visitor.expectSound('delete-tags');
    await dialog.getByRole('button', { name: 'Delete 2 tags' }).click();
    await page.getByText('2 tags are deleted.').waitFor();
    const names = () => page.locator('tbody tr td:nth-child(2)').allTextContents();
    await expect.poll(names).toEqual(['1.0', '1.1', 'release-1']);
    await page.getByRole('link', { name: 'Deleted tags' }).click();
    await page.getByRole('button', { name: 'Restore dev-1' }).click();
    await page.getByText('dev-1 is back.').waitFor();
    await visitor.expectSound('deleted-tags');
    await page.getByRole('link', { name: 'Tags', exact: true }).click();
    await expect.poll(names).toContain('dev-1');
    visitor.expectNoFaults();
  });

  test('copy an image to another repository, and show it there', async () => {
    await using app = await start();
    const path = await push(app);
    await createProject(app, 'acme/live');
    const visitor = await visit(app.url);
    const { page } = visitor;
    await visitor.goTo(`${path}/tags/1.1`);
    await visitor.signIn();
    await page.getByRole('button', { name: 'Copy…', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Repository', { exact: true }).fill('acme/live/web');
    await visitor.expectSound('copy-tag');
    await dialog.getByRole('button', { name: 'Copy', exact: true }).click();
    await visitor.expectTitle('acme/live/web:1.1');
    await page.getByText('application/spdx+json', { exact: true }).first().waitFor();
    visitor.expectNoFaults();
  });
});
