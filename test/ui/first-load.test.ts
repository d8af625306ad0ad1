/** What a browser loads over a slow connection, printed: bytes are bounded, times depend on the machine. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { FakeRegistry } from '../support/fake-registry.ts';
import { describePage } from './support/describe-page.ts';

/** 1.6 Mbit/s, and 150 ms there and back, as telephones have it. */
const slow = { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 93_750 };
/** Of all that comes, with its headers, compressed. */
const maxBytes = 80_000;

describePage('over a slow connection', ({ start, visit }) => {
  test('little is loaded before something shows, and nothing a second time', async () => {
    await using upstream = await new FakeRegistry().start();
    await using app = await start({ upstreams: [upstream] });
    const visitor = await visit(app.url);
    const { page } = visitor;
    const load = await measure(page);
    const signIn = await load('signing in', () => visitor.goTo('/'));
    await visitor.signIn();
    await page.getByRole('row', { name: /upstream 1/ }).waitFor();
    const again = await load('the overview, once more', async () => {
      await page.reload();
      await page.getByRole('row', { name: /upstream 1/ }).waitFor();
    });
    await (await page.context().newCDPSession(page)).send('Network.clearBrowserCache');
    const whole = await load('the overview, for the first time', async () => {
      await page.reload();
      await page.getByRole('row', { name: /upstream 1/ }).waitFor();
    });
    expect(signIn).toBeLessThan(maxBytes);
    expect(whole).toBeLessThan(maxBytes);
    expect(again).toBeLessThan(whole / 2);
    visitor.expectNoFaults();
  });
});

/** @returns what loads something, prints its figures, and gives back the bytes */
async function measure(page: Page): Promise<(what: string, go: () => Promise<void>) => Promise<number>> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Network.enable');
  await cdp.send('Network.emulateNetworkConditions', slow);
  let bytes = 0;
  cdp.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  return async (what, go) => {
    bytes = 0;
    await go();
    const painted = await page.evaluate<number>(
      `performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN`,
    );
    console.log(
      `${what}: first contentful paint after ${Math.round(painted)} ms, ${(bytes / 1000).toFixed(1)} kB transferred`,
    );
    return bytes;
  };
}
