import { expect, test } from 'vitest';
import { createProject, Pusher } from '../support/pushing.ts';
import { describePage } from './support/describe-page.ts';
import { imageOf } from './support/pushed-images.ts';

const image = imageOf({ version: '1.0', commands: ['FROM debian:13'] });

describePage('administration', ({ start, visit }) => {
  test('manages users, tasks, the collector, the audit log, keys and read-only mode', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    await new Pusher(app, 'acme/shop').image(image, 'v1');
    const visitor = await visit(app.url);
    const { page } = visitor;
    const dialog = page.getByRole('dialog');
    const open = (tab: string) =>
      page.getByRole('navigation', { name: 'Administration' }).getByRole('link', { name: tab }).click();
    await visitor.goTo('/administration');
    await visitor.signIn();
    await page.getByRole('button', { name: 'New user' }).click();
    await dialog.getByLabel('User name').fill('root');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await dialog.getByRole('alert').filter({ hasText: 'has already been taken' }).waitFor();
    await dialog.getByLabel('User name').fill('grace');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await page.getByText('grace is saved.').waitFor();
    await page.getByRole('button', { name: 'Block grace' }).click();
    await page.getByText('grace is blocked, with all tokens.').waitFor();
    await visitor.expectSound('admin-users');

    await open('Tasks');
    await page.getByRole('button', { name: 'Run now uploads.expire' }).click();
    await page.getByText('uploads.expire runs within a second or two.').waitFor();
    await visitor.expectSound('admin-tasks');

    await open('Collector');
    await page.getByLabel('Digest').fill(image.digest);
    await page.getByRole('button', { name: 'Explain' }).click();
    const held = page.getByRole('table', { name: 'Held in repositories' });
    await expect.poll(() => held.textContent()).toMatch(/acme\/shop.*tag v1/);
    expect(page.url()).toContain(encodeURIComponent(image.digest));
    await visitor.expectSound('admin-collector');

    await open('Storage');
    await page.getByText('Nothing is wrong').waitFor();
    await visitor.expectSound('admin-storage');

    await open('Audit log');
    await page.getByLabel('Event').fill('user.block');
    await page.getByRole('button', { name: 'Filter' }).click();
    const rows = page.getByRole('table', { name: 'Audit log' }).locator('tbody tr');
    await expect.poll(() => rows.count()).toBe(1);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export as CSV' }).click();
    const chunks: Buffer[] = [];
    for await (const chunk of await (await download).createReadStream()) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toMatch(
      /^"id","at",[^\n]*\r\n"\d+",[^\n]*"user\.block"[^\n]*\r\n$/,
    );
    await visitor.expectSound('admin-audit');

    await open('Signing keys');
    await page.getByRole('button', { name: 'Rotate' }).click();
    await dialog.getByRole('button', { name: 'Rotate' }).click();
    await page.getByText('signs next').waitFor();
    await visitor.expectSound('admin-keys');

    await open('Settings');
    await page.getByLabel('The server is read-only').check();
    await page.getByLabel('Message').fill('We move until noon.');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Read-only mode is on.').waitFor();
    await visitor.expectSound('admin-settings');
    await visitor.goTo('/groups');
    await page.getByRole('button', { name: 'New group' }).click();
    await dialog.getByLabel('Path').fill('late');
    // Other processes, and this one, believe for a second what they read last.
    await expect
      .poll(async () => {
        await dialog.getByRole('button', { name: 'Create' }).click();
        return dialog.getByRole('alert').textContent();
      })
      .toContain('We move until noon.');
  });
});
