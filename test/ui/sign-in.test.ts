import { expect, test } from 'vitest';
import { clientId, clientSecret, OidcProvider } from '../support/oidc-provider.ts';
import { describePage } from './support/describe-page.ts';
import { putBelow } from './support/path-proxy.ts';

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

  const oidc = (provider: OidcProvider) => ({
    oidcClientSecret: clientSecret,
    environment: {
      ENTREPOT_AUTH__OIDC_ISSUER: provider.url,
      ENTREPOT_AUTH__OIDC_CLIENT_ID: clientId,
      ENTREPOT_HTTP__TRUSTED_PROXIES: '127.0.0.0/8',
    },
  });

  test('works at an OpenID provider, comes back to where one was, and says what happened where it does not', async () => {
    await using provider = await OidcProvider.start();
    await using app = await start(oidc(provider));
    const visitor = await visit(app.url);
    const { page } = visitor;
    await visitor.goTo('/tokens?state=inactive');
    await visitor.expectSound('sign-in-oidc');
    provider.lie = { nonce: 'of another browser' };
    await page.getByRole('link', { name: 'Sign in with single sign-on' }).click();
    await page.getByRole('link', { name: 'Back to signing in' }).click();
    provider.lie = {};
    await visitor.goTo('/tokens?state=inactive');
    await page.getByRole('link', { name: 'Sign in with single sign-on' }).click();
    await visitor.expectTitle('Access tokens');
    expect(new URL(page.url()).hash).toBe('#/tokens?state=inactive');
    await page.getByText('ada', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('User name').waitFor();
    visitor.expectNoFaults();
  });

  test('and all pages work below a path where a proxy puts them, by their addresses and after a reload', async () => {
    await using provider = await OidcProvider.start();
    await using app = await start(oidc(provider));
    const url = await putBelow('/tools/registry', app.url);
    const visitor = await visit(url);
    const { page } = visitor;
    // Nothing is asked for above the path.
    const above: string[] = [];
    page.on('response', (response) => {
      if (response.status() === 418) above.push(response.url());
    });
    await page.goto(url);
    await visitor.signIn();
    expect(page.url()).toBe(`${url}/`);
    await page.getByRole('link', { name: 'Virtual registries', exact: true }).click();
    await page.getByRole('link', { name: 'default', exact: true }).click();
    await visitor.expectTitle('default');
    await visitor.goTo('/registries/1?tab=setup&client=docker');
    await expect.poll(() => page.locator('pre').textContent()).toContain(new URL(url).host);
    await page.reload();
    await expect.poll(() => page.locator('pre').textContent()).toContain('docker pull');
    await page.getByRole('link', { name: 'API', exact: true }).click();
    await page.getByRole('heading', { name: /Entrepot/ }).waitFor();
    await page.goBack();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('User name').waitFor();
    await visitor.goTo('/groups?tab=projects');
    await page.getByRole('link', { name: 'Sign in with single sign-on' }).click();
    await visitor.expectTitle('Groups and projects');
    expect(page.url()).toBe(`${url}/#/groups?tab=projects`);
    expect(above).toEqual([]);
    visitor.expectNoFaults();
  });

  test('comes again when the session has ended, and goes on where one was', async () => {
    await using app = await start();
    const visitor = await visit(app.url);
    await visitor.goTo('/tokens?state=inactive');
    await visitor.signIn();
    await visitor.expectTitle('Access tokens');
    const another = visitor.page.getByRole('button', { name: 'Show active tokens only' });
    await another.waitFor();
    // What was asked before is answered in the session.
    await visitor.page.waitForLoadState('networkidle');
    await visitor.page.context().clearCookies();
    await another.click();
    await expect.poll(() => visitor.page.locator('.notice').textContent()).toContain('session has ended');
    await visitor.expectSound('session-ended');
    await visitor.signIn();
    await visitor.expectTitle('Access tokens');
    visitor.expectNoFaults();
  });
});
