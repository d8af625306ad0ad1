/** What registries that exist do, one by one, and that all which a plain client gets from them is pulled through us. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { TestApp } from '../support/app.ts';
import { errorOf } from '../support/bodies.ts';
import type { Behaviour } from '../support/upstreams/behaviour.ts';
import { behaviours } from '../support/upstreams/behaviours.ts';
import { PlayedUpstream, repository } from '../support/upstreams/played-upstream.ts';
import { allOf, pullAll, pullImage } from '../support/upstreams/pull-all.ts';

/** More than any registry needs. */
const maxRequests = 60;
const validityMs = 25 * 3_600_000;

describe.each(behaviours)('a registry: %s', (_, all) => {
  let shared: TestApp;
  beforeAll(async () => {
    shared = await TestApp.start();
  });
  afterAll(() => shared.close());

  /** The server with the behaviour as its only upstream. */
  async function play(behaviour: Behaviour) {
    const upstream = await PlayedUpstream.start(behaviour);
    onTestFinished(() => upstream.stop());
    let app = shared;
    if (behaviour.environment) {
      app = await TestApp.start({ environment: behaviour.environment });
      onTestFinished(() => app.close());
    }
    await app.useUpstreams([{ url: upstream.url, ...behaviour.upstream }]);
    return { app, upstream };
  }

  async function pullThrough(behaviour: Behaviour): Promise<void> {
    const { app, upstream } = await play(behaviour);
    const { corpus } = upstream;
    const { later, asks, hasNoReferrers } = behaviour;
    if (asks) {
      await app.manifest(repository, 'latest');
      const asked = upstream.requests();
      expect(
        asked.map(([place, { method, kind, status }]) => `${place} ${method} ${kind} ${status}`),
      ).toEqual(asks);
    }
    const whole = allOf(corpus);
    expect(await pullAll(app, corpus)).toEqual({ ...whole, ...(hasNoReferrers && { referrers: [] }) });
    expect(upstream.requests().length).toBeLessThan(maxRequests);
    if (later) {
      app.advance(validityMs);
      upstream.begin(later);
      expect(await pullImage(app, corpus.image, 'latest')).toEqual(whole.image);
    }
    expect(upstream.betrayals()).toEqual([]);
  }

  async function isRefused(behaviour: Behaviour, refused: NonNullable<Behaviour['refused']>): Promise<void> {
    const { app, upstream } = await play(behaviour);
    const { image } = upstream.corpus;
    const [layer] = image.layers;
    const answer =
      refused.of === 'manifest'
        ? await app.manifest(repository, 'latest')
        : await app.blob(repository, layer?.digest ?? '');
    const { message } = await errorOf(answer);
    expect([answer.status, message]).toEqual([refused.status, expect.stringMatching(refused.message)]);
    expect(upstream.requests().length).toBeLessThan(maxRequests);
    expect(upstream.betrayals()).toEqual([]);
  }

  for (const behaviour of all) {
    const { name, refused } = behaviour;
    const promise = `that ${name} is ${refused ? 'refused and named' : 'pulled from'}`;
    test(promise, () => (refused ? isRefused(behaviour, refused) : pullThrough(behaviour)));
  }
});
