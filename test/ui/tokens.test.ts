import { expect, test } from 'vitest';
import { describePage } from './support/describe-page.ts';

describePage('access tokens', ({ start, visit }) => {
  test('are made, shown once, found, and revoked, by keys alone', async () => {
    await using app = await start();
    const visitor = await visit(app.url);
    const { page } = visitor;
    const press = async (...keys: readonly string[]) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    await visitor.goTo('/tokens');
    await visitor.signIn();
    await visitor.expectSound('tokens');
    await page.getByRole('button', { name: 'New token' }).focus();
    await press('Enter');
    await page.getByRole('dialog').waitFor();
    expect(await page.evaluate('document.activeElement?.name')).toBe('name');
    await page.keyboard.type('laptop');
    await visitor.expectSound('token-new');
    await press('Enter');
    await page.getByRole('dialog', { name: 'Copy the token now' }).waitFor();
    const token = (await page.getByRole('dialog').locator('pre').first().textContent()) ?? '';
    expect(token).toMatch(/^ent-/);
    await press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    const row = page.getByRole('row').filter({ hasText: 'laptop' });
    await row.waitFor();
    expect(await page.content()).not.toContain(token);
    const isGood = async () =>
      (await fetch(`${app.url}/v2/`, { headers: { authorization: `Basic ${btoa(`root:${token}`)}` } })).ok;
    expect(await isGood()).toBe(true);
    await row.getByRole('button', { name: 'Revoke laptop' }).focus();
    await press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).focus();
    await press('Enter');
    await expect.poll(() => page.getByRole('status').last().textContent()).toContain('laptop is revoked');
    expect(await isGood()).toBe(false);
    visitor.expectNoFaults();
  });
});
