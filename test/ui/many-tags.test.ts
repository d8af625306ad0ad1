/** The page where there is much: what it costs a browser is counted in its own time on the processor, whatever the machine does besides. */
import { sql } from 'kysely';
import type { CDPSession, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { databaseFile } from '../../src/config/data-directory.ts';
import type { TestApp } from '../support/app.ts';
import { createProject, Pusher } from '../support/pushing.ts';
import { withTables } from '../support/raw-tables.ts';
import { describePage } from './support/describe-page.ts';
import { imageOf, repositoryNumber } from './support/pushed-images.ts';

const repositories = 200;
const tags = 1000;
/** From an interaction to the next paint, and to all that comes of it. */
const maxSeconds = 0.2;

const image = imageOf({ version: '1.0', commands: ['FROM debian:13'] });

async function fill(app: TestApp): Promise<number> {
  await createProject(app, 'acme/shop');
  await new Pusher(app, 'acme/shop/web').image(image, 'v0');
  const id = await repositoryNumber(app, 'acme/shop', 'acme/shop/web');
  const numbers = (most: number) =>
    sql.raw(`with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${most})`);
  await withTables({ url: undefined, file: databaseFile(app.dataDirectory) }, async (db) => {
    await sql`insert into repositories (project_id, name, created_at, updated_at)
      ${numbers(repositories)}
      select project_id, 'acme/shop/service-' || n, n, n from numbers, (select project_id from repositories where id = ${id})`.execute(
      db,
    );
    await sql`insert into repository_manifests (repository_id, digest, media_type, created_at)
      select id, ${image.digest}, ${image.mediaType}, 0 from repositories where id <> ${id}`.execute(db);
    await sql`insert into tags (repository_id, name, digest, created_at, updated_at)
      ${numbers(tags)}
      select id, 'v' || n, ${image.digest}, n, n from repositories, numbers`.execute(db);
  });
  return id;
}

/** How long the page was busy with an interaction and with what came of it, in seconds of the processor. */
async function busyWith(cdp: CDPSession, page: Page, act: () => Promise<void>): Promise<number> {
  const busy = async () => {
    const { metrics } = await cdp.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
  };
  const before = await busy();
  await act();
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
  return (await busy()) - before;
}

describePage('two hundred repositories of a thousand tags', ({ start, visit }) => {
  test('are listed, searched, sorted and chosen without the page being busy for long', async () => {
    await using app = await start();
    const id = await fill(app);
    const visitor = await visit(app.url);
    const { page } = visitor;
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
    const rows = page.locator('tbody tr');
    const link = page.locator('tbody tr:first-child a');
    await visitor.goTo('/projects/acme%2Fshop');
    await visitor.signIn();
    await expect.poll(() => link.textContent()).toBe('service-1');
    const costs: Record<string, number> = {};
    costs['the next page of repositories'] = await busyWith(cdp, page, async () => {
      await page.getByRole('button', { name: 'Next' }).click();
      await page.getByText('Page 2 of 5').waitFor();
      await expect.poll(() => link.textContent()).not.toBe('service-1');
    });
    await visitor.goTo(`/projects/acme%2Fshop/repositories/${id}?sort=name`);
    await expect.poll(() => link.textContent()).toBe('v0');
    costs['the next page of tags'] = await busyWith(cdp, page, async () => {
      await page.getByRole('button', { name: 'Next' }).click();
      await page.getByText('Page 2 of 21').waitFor();
      await expect.poll(() => link.textContent()).not.toBe('v0');
    });
    costs['sorting tags'] = await busyWith(cdp, page, async () => {
      await page.getByRole('button', { name: 'Tag', exact: true }).click();
      await expect.poll(() => link.textContent()).toBe('v999');
    });
    costs['choosing a tag'] = await busyWith(cdp, page, () => page.getByLabel('Select v999').check());
    costs['choosing all on a page'] = await busyWith(cdp, page, () =>
      page.getByLabel('Select all on this page').check(),
    );
    costs['searching tags'] = await busyWith(cdp, page, async () => {
      await page.getByRole('searchbox').fill('v77');
      await expect.poll(() => rows.count()).toBe(11);
    });
    expect(Object.entries(costs).filter(([, seconds]) => !(seconds < maxSeconds))).toEqual([]);
    visitor.expectNoFaults();
  });
});
