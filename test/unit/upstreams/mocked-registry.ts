/** Registers nock's life cycle for a test file: nothing but what a test mocks is reachable, and all of it must be asked for. */
import nock from 'nock';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';

export const origin = 'https://registry.example.com';

export function useMockedRegistry(): void {
  beforeAll(() => {
    // Another file of the same worker may have ended it.
    if (!nock.isActive()) nock.activate();
    nock.disableNetConnect();
  });
  afterEach(() => {
    const left = nock.pendingMocks();
    nock.cleanAll();
    expect(left).toEqual([]);
  });
  afterAll(() => {
    nock.enableNetConnect();
    nock.restore();
  });
}
