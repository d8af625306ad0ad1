import { expect, test } from 'vitest';
import { PushableRegistry } from '../support/pushable-registry.ts';
import { createProject, Pusher } from '../support/pushing.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';
import { describePage } from './support/describe-page.ts';
import { imageOf } from './support/pushed-images.ts';

const image = imageOf({ version: '1.0', commands: ['FROM debian:13'] });

describePage('policies of a project', ({ start, visit }) => {
  test('show what the next cleanup would do while it is edited', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    for (const tag of ['dev-1', 'dev-2', 'v1']) await new Pusher(app, 'acme/shop').image(image, tag);
    const visitor = await visit(app.url);
    const { page } = visitor;
    await visitor.goTo('/projects/acme%2Fshop?tab=cleanup');
    await visitor.signIn();
    await page.getByLabel('Only tags that are older than').selectOption('Whatever their age');
    await page.getByLabel('Newest that stay, in each repository').selectOption('None');
    await page.getByLabel('Names that go').fill('dev-.*');
    await page.getByText('2 tags go').waitFor();
    await page.getByLabel('Names that stay').fill('dev-2');
    await page.getByText('1 tag goes').waitFor();
    const stays = page.getByRole('list', { name: '2 tags stay' });
    await expect.poll(() => stays.textContent()).toMatch(/dev-2matches the pattern that keeps/);
    await page.getByLabel('Names that go').fill('(');
    await page.getByRole('alert').filter({ hasText: 'not valid RE2 syntax' }).waitFor();
    await page.getByLabel('Names that go').fill('dev-.*');
    await page.getByText('1 tag goes').waitFor();
    await page.getByLabel('Run from time to time').check();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The policy is saved.').waitFor();
    await visitor.expectSound('cleanup');
    await page.getByRole('button', { name: 'Run now' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('1 tag would be deleted.').waitFor();
    await dialog.getByRole('button', { name: 'Run now' }).click();
    await page.getByText('The policy runs within seconds.').waitFor();
    visitor.expectNoFaults();
  });

  test('copy tags to another registry, and show what came of it', async () => {
    await using app = await start();
    await using registry = await new PushableRegistry().start();
    await createProject(app, 'acme/shop');
    await new Pusher(app, 'acme/shop').image(image, 'v1');
    const visitor = await visit(app.url);
    const { page } = visitor;
    const dialog = page.getByRole('dialog');
    await visitor.goTo('/projects/acme%2Fshop?tab=replication');
    await visitor.signIn();
    await page.getByText('No rules').waitFor();
    await page.getByRole('button', { name: 'New rule' }).click();
    await dialog.getByLabel('Name', { exact: true }).fill('second site');
    await dialog.getByLabel('Registry', { exact: true }).fill(registry.url);
    await dialog.getByLabel('Tags', { exact: true }).fill('(');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await dialog.getByText('not valid RE2 syntax').first().waitFor();
    await dialog.getByLabel('Tags', { exact: true }).fill('v.*');
    await dialog.getByLabel('May be in a private network').check();
    await dialog.getByRole('button', { name: 'Create' }).click();
    await page.getByText('The rule is saved.').waitFor();
    await visitor.expectSound('replication');
    await page.getByRole('button', { name: 'Run second site' }).click();
    await dialog.getByText('1 copied, 0 unchanged').waitFor();
    await dialog.getByRole('button', { name: /^Tags/ }).click();
    await dialog.getByText('acme/shop:v1').waitFor();
    await visitor.expectSound('replication-results');
    visitor.expectNoFaults();
  });

  test('show what endpoints of webhooks were told, and send it again', async () => {
    const receiver = await WebhookReceiver.start();
    await using app = await start({
      environment: {
        ENTREPOT_WEBHOOKS__ALLOWED_NETWORKS: '127.0.0.0/8',
        ENTREPOT_WEBHOOKS__MAX_RETRIES: '0',
      },
    });
    await createProject(app, 'acme/shop');
    const visitor = await visit(app.url);
    const { page } = visitor;
    const dialog = page.getByRole('dialog');
    await visitor.goTo('/projects/acme%2Fshop?tab=hooks');
    await visitor.signIn();
    await page.getByText('No webhooks').waitFor();
    await page.getByRole('button', { name: 'New webhook' }).click();
    await dialog.getByLabel('URL').fill('http://10.0.0.1/');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.getByLabel('URL').fill(receiver.url);
    await dialog.getByLabel('Name', { exact: true }).fill('deploy');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await page.getByText('The webhook is saved.').waitFor();
    await visitor.expectSound('hooks');
    receiver.behave = () => 500;
    await new Pusher(app, 'acme/shop').image(image, 'v1');
    await page.getByRole('link', { name: 'deploy' }).click();
    await visitor.expectTitle('deploy');
    const given = page.getByRole('row').filter({ hasText: 'given up' }).first();
    await given.waitFor();
    expect(await given.textContent()).toContain('500');
    await visitor.expectSound('deliveries');
    receiver.behave = () => 200;
    await given.getByRole('button', { name: /^Send again/ }).click();
    await page.getByText('The endpoint answered 200.').waitFor();
    await page.getByRole('row').filter({ hasText: 'delivered' }).first().waitFor();
    visitor.expectNoFaults();
    await receiver.stop();
  });
});
