/** Describes promises of the page against the whole server. Where there is no browser they are skipped, by name. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe } from 'vitest';
import { TestApp, type TestAppOptions } from '../../support/app.ts';
import { describeEachDatabase } from '../../support/databases.ts';
import { chromium, launch } from './browser.ts';
import { password, Visit } from './visit.ts';

export interface Stage {
  /** A server whose root has the password of {@link Visit.signIn}. */
  start(options?: TestAppOptions): Promise<TestApp>;
  /** Somebody at a browser of their own. @param url where the server is for them */
  visit(url: string): Promise<Visit>;
  /** Someone with a password, and roles in groups and projects by the path of the API: `groups/acme`. */
  addUser(app: TestApp, username: string, roles?: Readonly<Record<string, number>>): Promise<number>;
}

/** As {@link describePage}, on each database. */
export function describePageOnEach(name: string, define: (stage: Stage) => void): void {
  describeEachDatabase(name, (_open, { createPlace, serverUrl }) => {
    describePage('the page', define, async (options = {}) => {
      const template = await TestApp.findTemplate(serverUrl);
      const databaseUrl = serverUrl === undefined ? undefined : (await createPlace(template)).url;
      return TestApp.start({ ...options, template, databaseUrl });
    });
  });
}

/** @param startApp a server of its own for each test; on SQLite by default */
export function describePage(
  name: string,
  define: (stage: Stage) => void,
  startApp: (options?: TestAppOptions) => Promise<TestApp> = TestApp.start,
): void {
  const title = chromium === undefined ? `${name} (not run: there is no chromium)` : name;
  describe.skipIf(chromium === undefined)(title, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await launch();
    });
    afterAll(() => browser?.close());
    define({
      async start(options) {
        const app = await startApp(options);
        await demand(app.api('PUT', '/users/1', { password }));
        return app;
      },
      async visit(url) {
        const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC' });
        return Visit.begin(context, url);
      },
      async addUser(app, username, roles = {}) {
        const { id } = await demand(app.api('POST', '/users', { username, name: username, password }));
        for (const [place, access_level] of Object.entries(roles))
          await demand(app.api('POST', `/${place}/members`, { user_id: id, access_level }));
        return id;
      },
    });
  });
}

/** What a call was answered with. @throws Error where it was refused */
export async function demand(answer: Promise<Response>): Promise<{ readonly id: number }> {
  const response = await answer;
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return text === '' ? { id: 0 } : JSON.parse(text);
}
