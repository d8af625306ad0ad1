import { expect, test } from 'vitest';
import { createProject, Pusher } from '../support/pushing.ts';
import { describePage } from './support/describe-page.ts';
import { imageOf } from './support/pushed-images.ts';

const image = imageOf({ version: '1.0', commands: ['FROM debian:13'] });
const shop = `/projects/${encodeURIComponent('acme/shop')}`;

describePage('groups and projects', ({ start, visit, addUser }) => {
  test('are made, given members, tokens that are shown once, and rules', async () => {
    await using app = await start();
    await addUser(app, 'ada');
    const visitor = await visit(app.url);
    const { page } = visitor;
    const dialog = page.getByRole('dialog');
    await visitor.goTo('/groups');
    await visitor.signIn();
    await visitor.expectTitle('Groups and projects');
    await visitor.expectSound('groups');
    await page.getByRole('button', { name: 'New group' }).click();
    await dialog.getByLabel('Path').fill('not a path!');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.getByLabel('Path').fill('acme');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await visitor.expectTitle('acme');
    await page.getByRole('button', { name: 'New project' }).click();
    await dialog.getByLabel('Path').fill('shop');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await visitor.expectTitle('acme/shop');
    await page.getByText(`docker push ${new URL(app.url).host}/acme/shop/my-image:1.0`).waitFor();

    await page.getByRole('link', { name: 'Members' }).click();
    await page.getByRole('button', { name: 'Add member' }).click();
    await dialog.getByLabel('User name').fill('ada');
    await dialog.getByRole('button', { name: 'Add member' }).click();
    await page.getByLabel('Role of ada').selectOption('Maintainer');
    await page.getByText('ada has another role.').waitFor();
    await visitor.expectSound('members');

    await page.getByRole('link', { name: 'Tokens', exact: true }).click();
    await page.getByRole('button', { name: 'New deploy token' }).click();
    await dialog.getByLabel('Name', { exact: true }).fill('cluster');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('dialog', { name: 'Copy the token now' }).waitFor();
    const login = (await dialog.locator('pre').last().textContent()) ?? '';
    const [, username, token] = /-u (\S+) -p (\S+)$/.exec(login) ?? [];
    const isGood = async () =>
      (await fetch(`${app.url}/v2/`, { headers: { authorization: `Basic ${btoa(`${username}:${token}`)}` } }))
        .status;
    expect(await isGood()).toBe(200);
    await page.getByRole('button', { name: 'I have it' }).click();
    await page.getByRole('button', { name: 'Revoke cluster' }).click();
    await dialog.getByRole('button', { name: 'Revoke', exact: true }).click();
    await page.getByText('cluster is revoked.').waitFor();
    expect(await isGood()).toBe(401);
    await visitor.expectSound('place-tokens');

    await page.getByRole('link', { name: 'Protection' }).click();
    await page.getByRole('button', { name: 'New rule: Immutable tags' }).click();
    await dialog.getByLabel('Pattern').fill('[');
    await dialog.getByRole('button', { name: 'New rule' }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.getByLabel('Pattern').fill('^v[0-9]');
    await dialog.getByRole('button', { name: 'New rule' }).click();
    await page.getByRole('table', { name: 'Immutable tags' }).getByText('^v[0-9]').waitFor();
    await visitor.expectSound('protection');
    await page.getByRole('link', { name: 'CI', exact: true }).click();
    await page.getByText('No trusts').waitFor();
    await visitor.expectSound('ci-trusts');

    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByLabel('Quota in bytes').fill('5000000000');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    await visitor.expectSound('project-settings');
    await page.getByRole('button', { name: 'Delete this project' }).click();
    expect(await dialog.getByRole('button', { name: 'Delete this project' }).isDisabled()).toBe(true);
    await dialog.getByLabel('Type acme/shop to go on').fill('acme/shop');
    await dialog.getByRole('button', { name: 'Delete this project' }).click();
    await page.getByText('acme/shop is being deleted.').waitFor();
    visitor.expectNoFaults();
  });

  test('show a Guest what a Guest may see, and no more', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    await createProject(app, 'secret/plans');
    await new Pusher(app, 'acme/shop').image(image, '1.0');
    await addUser(app, 'gustav', { 'groups/acme': 10 });
    const visitor = await visit(app.url);
    const { page } = visitor;
    await visitor.goTo('/groups?tab=projects');
    await visitor.signIn('gustav');
    await page.getByRole('link', { name: 'acme/shop' }).waitFor();
    expect(await page.getByText('secret').count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Administration' }).count()).toBe(0);
    await page.getByRole('link', { name: 'acme/shop' }).click();
    await visitor.expectTitle('acme/shop');
    const tabs = page.getByRole('navigation', { name: 'Project' }).getByRole('link');
    await expect.poll(() => tabs.allTextContents()).toEqual(['Repositories', 'Members']);
    // A Guest of a private project does not pull from it: the page says the API's words and what to do.
    await page.getByRole('alert').filter({ hasText: '403 Forbidden' }).waitFor();
    await visitor.expectSound('guest');
    await page.getByRole('link', { name: 'Members' }).click();
    await page.getByRole('cell', { name: 'gustav' }).waitFor();
    expect(await page.getByRole('button', { name: 'Add member' }).count()).toBe(0);
    for (const path of ['/projects/secret%2Fplans', `${shop}?tab=settings`, '/administration']) {
      await page.goto(`${app.url}/#${path}`);
      await page.locator('.notice, .tabs').first().waitFor();
      expect(await page.getByRole('button', { name: 'Save' }).count()).toBe(0);
      expect(await page.getByText('plans', { exact: true }).count()).toBe(0);
    }
    visitor.expectNoFaults();
  });
});
