import { TestApp, type TestAppOptions } from './app.ts';
import { describeEachDatabase } from './databases.ts';

/** Describes promises of the whole server on each database. `start` gives a server of its own to each test. */
export function describeApp(
  name: string,
  define: (start: (options?: TestAppOptions) => Promise<TestApp>) => void,
): void {
  describeEachDatabase(name, (_open, { createPlace, serverUrl }) => {
    define(async (options = {}) => {
      const template = await TestApp.findTemplate(serverUrl);
      const databaseUrl = serverUrl === undefined ? undefined : (await createPlace(template)).url;
      return TestApp.start({ ...options, template, databaseUrl });
    });
  });
}
