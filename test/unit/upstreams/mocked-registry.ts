/** Registers nock's life cycle for a test file: nothing but what a test mocks may be asked for, and all of it must be. */
import nock from 'nock';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';

export const origin = 'https://registry.example.com';

/** @param answersBase whether the registry may be asked how to ask, as refusals without a challenge leave that open: it answers 501 */
export function useMockedRegistry(answersBase = false): void {
  let unexpected: string[] = [];
  const note = ({ method, url }: Request) => {
    if (!answersBase || url !== `${origin}/v2/`) unexpected.push(`${method} ${url}`);
  };
  beforeAll(() => {
    nock.emitter.on('no match', note);
    // Another file of the same worker may have ended it.
    if (!nock.isActive()) nock.activate();
    nock.disableNetConnect();
  });
  afterEach(() => {
    const left = nock.pendingMocks();
    const asked = unexpected;
    unexpected = [];
    nock.cleanAll();
    expect({ left, asked }).toEqual({ left: [], asked: [] });
  });
  afterAll(() => {
    nock.emitter.off('no match', note);
    nock.enableNetConnect();
    nock.restore();
  });
}
