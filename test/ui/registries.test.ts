import { expect, test } from 'vitest';
import { FakeRegistry } from '../support/fake-registry.ts';
import { describePage } from './support/describe-page.ts';

describePage('virtual registries', ({ start, visit, addUser }) => {
  test('are made, given upstreams that are tried first, and ask them in another order once they are moved', async () => {
    await using first = await new FakeRegistry().start();
    await using second = await new FakeRegistry().start();
    await using app = await start();
    const visitor = await visit(app.url);
    const { page } = visitor;
    await visitor.goTo('/registries');
    await visitor.signIn();
    await visitor.expectSound('registries');
    await page.getByRole('button', { name: 'New virtual registry' }).click();
    await page.getByLabel('Name', { exact: true }).fill('mirror');
    await page.getByRole('button', { name: 'Create' }).click();
    await visitor.expectTitle('mirror');
    await visitor.expectSound('registry-empty');
    for (const [name, { url }] of [
      ['first', first],
      ['second', second],
    ] as const) {
      await page.getByRole('button', { name: 'Add upstream' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Name', { exact: true }).fill(name);
      await dialog.getByLabel('URL').fill(url);
      await dialog.getByRole('button', { name: 'Test the connection' }).click();
      await expect.poll(() => dialog.locator('.notice').textContent()).toContain('answers as a registry');
      if (name === 'first') {
        await dialog.getByLabel('Never these images').fill('team/*');
        await dialog.getByLabel('Try an image').fill('team/app');
        await page.keyboard.press('Enter');
        await expect
          .poll(() => dialog.locator('.notice').first().textContent())
          .toBe('team/app would not be asked for: team/* denies it.');
        await visitor.expectSound('upstream-new');
      }
      await dialog.getByRole('button', { name: 'Add upstream' }).click();
      await page.getByRole('heading', { name }).waitFor();
    }
    await visitor.expectSound('registry-upstreams');
    await page.getByRole('button', { name: 'Add upstream' }).click();
    const cloud = page.getByRole('dialog');
    await cloud.getByLabel('Name', { exact: true }).fill('cloud');
    await cloud.getByLabel('URL').fill('https://123456789012.dkr.ecr.eu-west-1.amazonaws.com');
    await cloud.getByLabel('Who gives the login').selectOption('Amazon ECR');
    await cloud.getByRole('button', { name: 'Add upstream' }).click();
    await expect.poll(() => cloud.textContent()).toContain('upstreams.ambient_hosts');
    await cloud.getByLabel('Access key ID').fill('AKIAIOSFODNN7EXAMPLE');
    await cloud.getByLabel('Secret access key').fill('wJalr');
    await visitor.expectSound('upstream-cloud');
    await cloud.getByRole('button', { name: 'Add upstream' }).click();
    await page.getByRole('button', { name: 'Delete cloud' }).click();
    await page.getByLabel('Type cloud to go on').fill('cloud');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    const order = async () =>
      (await page.locator('.upstream h2').allTextContents()).map((text) => text.split(' ')[0]);
    expect(await order()).toEqual(['first', 'second']);
    await page.getByRole('button', { name: 'Move second up' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(order).toEqual(['second', 'first']);
    await page
      .locator('.upstream', { hasText: 'first' })
      .dragTo(page.locator('.upstream', { hasText: 'second' }));
    await expect.poll(order).toEqual(['first', 'second']);
    await page.getByRole('button', { name: 'Delete second' }).click();
    await visitor.expectSound('upstream-delete');
    const confirm = page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true });
    expect(await confirm.isDisabled()).toBe(true);
    await page.getByLabel('Type second to go on').fill('second');
    await confirm.click();
    await expect.poll(order).toEqual(['first']);
    visitor.expectNoFaults();
  });

  test('explain a pull, show what is cached once it was pulled, pin it and forget it', async () => {
    await using upstream = await new FakeRegistry().start();
    const image = upstream.repository('team/app').addImage({ tag: 'v1' });
    await using app = await start({ upstreams: [upstream] });
    const visitor = await visit(app.url);
    const { page } = visitor;
    await visitor.goTo('/registries/1?tab=explain');
    await visitor.signIn();
    await page.getByLabel('Image').fill('team/app:v1');
    await page.getByRole('button', { name: 'Explain', exact: true }).click();
    await expect.poll(() => page.locator('.notice').textContent()).toContain(image.digest);
    await visitor.expectSound('registry-explain');
    expect(page.url()).toContain('image=team%2Fapp%3Av1');

    await visitor.goTo('/registries/1?tab=cache');
    await expect.poll(() => page.locator('.empty').textContent()).toContain('docker pull');
    await visitor.expectSound('registry-cache-empty');
    expect((await app.manifest('team/app', 'v1')).status).toBe(200);
    await page.reload();
    await expect.poll(() => page.getByRole('row', { name: /team\/app/ }).count()).toBeGreaterThan(0);
    await visitor.expectSound('registry-cache');
    await page.getByLabel('Search by path').fill('nothing of the kind');
    await expect.poll(() => page.locator('.empty').textContent()).toContain('has this in its path');
    await page.getByLabel('Search by path').fill('team');
    await page
      .getByRole('row', { name: /team\/app/ })
      .first()
      .waitFor();
    await page.getByLabel('Select all on this page').check();
    await page.getByRole('button', { name: 'Forget the selected' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Forget', exact: true }).click();
    await expect.poll(() => page.getByRole('row').count()).toBe(0);

    await visitor.goTo('/registries/1?tab=pins');
    await page.getByLabel('Image').fill('team/**');
    await page.getByRole('button', { name: 'Pin', exact: true }).click();
    await page.getByRole('row', { name: /team\/\*\*/ }).waitFor();
    await visitor.expectSound('registry-pins');
    visitor.expectNoFaults();
  });

  test('fetch images before anybody asks for them, and say of each what came of it', async () => {
    await using upstream = await new FakeRegistry().start();
    const image = upstream.repository('team/app').addImage({ tag: 'v1' });
    await using app = await start({ upstreams: [upstream] });
    const visitor = await visit(app.url);
    const { page } = visitor;
    await visitor.goTo('/registries/1?tab=cache');
    await visitor.signIn();
    await page.getByLabel('Images', { exact: true }).fill('team/app:v1\nteam/none:v1');
    await page.getByLabel('Platforms').fill('linux/amd64');
    await page.getByRole('button', { name: 'Fetch ahead' }).click();
    await page.getByText('1 done, 1 failed, 0 waiting').waitFor();
    await visitor.expectSound('registry-prewarms');
    expect(upstream.count({ method: 'GET', reference: image.config?.digest ?? '' })).toBe(1);
    await page.getByRole('button', { name: /^Show \d/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('row', { name: /team\/app:v1.*done/ }).waitFor();
    await dialog.getByRole('row', { name: /team\/none:v1.*failed.*was not found/ }).waitFor();
    await visitor.expectSound('registry-prewarm');
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: /^Forget \d/ }).click();
    await page.getByText('Nothing as yet').waitFor();
    visitor.expectNoFaults();
  });

  test('say how big their cache may be, what is cleaned up, and how clients are set up', async () => {
    await using app = await start();
    const visitor = await visit(app.url);
    const { page } = visitor;
    await visitor.goTo('/registries/1?tab=limits');
    await visitor.signIn();
    await page.getByRole('button', { name: 'Change the limit' }).click();
    await page.getByLabel('Limit in GB').fill('20');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect.poll(() => page.locator('.facts').first().textContent()).toContain('20');
    await page.getByRole('button', { name: 'Make one' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await expect.poll(() => page.locator('.facts').last().textContent()).toContain('scheduled');
    await visitor.expectSound('registry-limits');

    await visitor.goTo('/registries/1?tab=setup&client=containerd');
    await expect.poll(() => page.locator('pre').textContent()).toContain(new URL(app.url).host);
    await page.getByLabel('Client').selectOption('docker');
    await expect.poll(() => page.url()).toContain('client=docker');
    await expect.poll(() => page.locator('pre').textContent()).toContain('docker pull');
    await visitor.expectSound('registry-setup');
    visitor.expectNoFaults();
  });

  test('show a Guest nothing of other groups, offer nothing that they may not, and tell in the words of the API what they may not see', async () => {
    await using upstream = await new FakeRegistry().start();
    await using app = await start({ upstreams: [upstream] });
    await addUser(app, 'ada', { 'groups/default': 10 });
    await addUser(app, 'bob');
    const ada = await visit(app.url);
    await ada.goTo('/registries');
    await ada.signIn('ada');
    await ada.page.getByRole('link', { name: 'default' }).click();
    await ada.expectTitle('default');
    await ada.page.getByRole('heading', { name: /upstream 1/ }).waitFor();
    for (const tab of ['upstreams', 'cache', 'pins', 'limits']) {
      await ada.goTo(`/registries/1?tab=${tab}`);
      await ada.page.locator('main .card, main .empty').first().waitFor();
      const buttons = ada.page.getByRole('main').getByRole('button', { disabled: false });
      expect([tab, await buttons.allTextContents()]).toEqual([tab, tab === 'cache' ? ['Copy'] : []]);
    }
    ada.expectNoFaults();

    const bob = await visit(app.url);
    await bob.goTo('/registries');
    await bob.signIn('bob');
    await expect.poll(() => bob.page.locator('.empty').textContent()).toContain('You see no groups');
    await bob.goTo('/registries/1');
    await expect.poll(() => bob.page.getByRole('alert').textContent()).toContain('404');
    bob.expectNoFaults();
  });
});
