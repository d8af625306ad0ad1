import { expect, test } from 'vitest';
import { seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { describePage } from './support/describe-page.ts';

describePage('the overview', ({ start, visit, addUser }) => {
  test('says the next step where nothing was pulled, and then what was fetched, saved, and how the upstreams do', async () => {
    await using upstream = await new FakeRegistry().start();
    const layer = seededBlob(300_000, 1);
    upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
    await using app = await start({ upstreams: [upstream] });
    const visitor = await visit(app.url);
    const { page } = visitor;
    await visitor.goTo('/');
    await visitor.signIn();
    await expect.poll(() => page.locator('.empty').first().textContent()).toContain('docker pull');
    await visitor.expectSound('overview-empty');

    const go = Promise.withResolvers<void>();
    upstream.fault({ kind: 'blob' }, { holdAt: 100_000, until: go.promise });
    for (let pulls = 0; pulls < 3; pulls += 1) await (await app.manifest('team/app', 'v1')).arrayBuffer();
    const blob = app.blob('team/app', layer.digest).then((answer) => answer.arrayBuffer());
    await expect.poll(() => page.getByRole('progressbar').count()).toBe(1);
    go.resolve();
    await blob;
    await page.reload();
    await expect.poll(() => page.locator('.stat', { hasText: 'Fetched' }).textContent()).toContain('300');
    await expect.poll(() => page.locator('.stat', { hasText: 'Hit rate' }).textContent()).toContain('50%');
    await page.getByRole('img', { name: /Pulls by outcome/ }).focus();
    await page.keyboard.press('ArrowLeft');
    await page.getByLabel('Period').selectOption('1h');
    await expect.poll(() => page.url()).toContain('period=1h');
    await visitor.expectSound('overview');
    visitor.expectNoFaults();
  });

  test('shows who is no administrator what is theirs, and asks for nothing else', async () => {
    await using upstream = await new FakeRegistry().start();
    await using app = await start({ upstreams: [upstream] });
    await addUser(app, 'ada', { 'groups/default': 10 });
    const visitor = await visit(app.url);
    const refused: string[] = [];
    visitor.page.on('response', (response) => {
      if (response.status() === 403) refused.push(response.url());
    });
    await visitor.goTo('/');
    await visitor.signIn('ada');
    await visitor.page.getByRole('row', { name: /upstream 1/ }).waitFor();
    await visitor.page.getByRole('link', { name: 'default' }).first().waitFor();
    await visitor.expectSound('overview-guest');
    expect(refused).toEqual([]);
  });
});
