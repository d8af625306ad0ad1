/** What somebody does at a terminal shows at the page. */
import { expect, test } from 'vitest';
import { missing, run } from '../e2e/support/processes.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createProject } from '../support/pushing.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { describePage } from './support/describe-page.ts';
import { password } from './support/visit.ts';

const isThere = (await missing('skopeo')).length === 0;
const login = `root:${password}`;

describePage('with skopeo', ({ start, visit }) => {
  const title =
    'what is pulled through a virtual registry shows in its cache, and what is pushed in its project';
  test.skipIf(!isThere)(isThere ? title : `${title} (not run: there is no skopeo)`, async () => {
    await using upstream = await new FakeRegistry().start();
    const image = upstream.repository('team/app').addImage({ tag: 'v1' });
    await using app = await start({ upstreams: [upstream] });
    await createProject(app, 'acme/shop');
    const copied = `dir:${await temporaryDirectory()}/image`;
    const { host } = new URL(app.url);
    const visitor = await visit(app.url);
    const { page } = visitor;
    await visitor.goTo('/registries/1?tab=cache&sort=-downloaded_at');
    await visitor.signIn();
    await page.getByText('docker pull').waitFor();
    const pulled = `docker://${host}/virtual_registries/container/1/team/app:v1`;
    await run('skopeo', ['copy', '-q', '--src-tls-verify=false', '--src-creds', login, pulled, copied]);
    await page.reload();
    await page.getByRole('row', { name: /team\/app\/manifests\/v1/ }).waitFor();
    await page.getByRole('button', { name: 'Size' }).click();
    await expect.poll(() => page.url()).toContain('sort=size');
    const first = page.locator('tbody tr').first();
    await expect.poll(() => first.textContent()).toContain(image.config?.digest);

    await visitor.goTo('/projects/acme%2Fshop');
    await page.getByText('docker push').first().waitFor();
    const pushed = `docker://${host}/acme/shop/web:1.0`;
    await run('skopeo', ['copy', '-q', '--dest-tls-verify=false', '--dest-creds', login, copied, pushed]);
    await page.reload();
    await page.getByRole('link', { name: 'web', exact: true }).click();
    await page.getByRole('link', { name: '1.0', exact: true }).click();
    await visitor.expectTitle('acme/shop/web:1.0');
    await page.getByText(image.digest).first().waitFor();
    visitor.expectNoFaults();
  });
});
