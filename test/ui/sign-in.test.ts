import { expect, test } from 'vitest';
import { describePage } from './support/describe-page.ts';

describePage('signing in', ({ start, visit }) => {
  test('leads to the page that was asked for, says what is wrong, and ends where one signs out', async () => {
    await using app = await start();
    const visitor = await visit(app.url);
    const { page } = visitor;
    await visitor.goTo('/tokens');
    await visitor.expectSound('sign-in');
    await page.getByLabel('User name').fill('root');
    await page.getByLabel('Password', { exact: true }).fill('not this one');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expect.poll(() => page.getByRole('alert').textContent()).toContain('password is wrong');
    await visitor.signIn();
    await visitor.expectTitle('Access tokens');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('User name').waitFor();
    await visitor.goTo('/');
    await page.getByLabel('User name').waitFor();
    visitor.expectNoFaults();
  });

  test('comes again when the session has ended, and goes on where one was', async () => {
    await using app = await start();
    const visitor = await visit(app.url);
    await visitor.goTo('/tokens?state=inactive');
    await visitor.signIn();
    await visitor.expectTitle('Access tokens');
    await visitor.page.context().clearCookies();
    await visitor.page.getByRole('button', { name: 'Show active tokens only' }).click();
    await expect.poll(() => visitor.page.locator('.notice').textContent()).toContain('session has ended');
    await visitor.expectSound('session-ended');
    await visitor.signIn();
    await visitor.expectTitle('Access tokens');
    visitor.expectNoFaults();
  });
});
