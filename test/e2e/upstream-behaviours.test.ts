/** What skopeo can pull from a registry as it is, it can pull from that registry through us. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { behaviours } from '../support/upstreams/behaviours.ts';
import { PlayedUpstream, repository } from '../support/upstreams/played-upstream.ts';
import { isInstalled } from './support/clients/installed.ts';
import { skopeo } from './support/clients/skopeo.ts';
import { Entrepot, rootToken } from './support/entrepot.ts';
import { run } from './support/processes.ts';

const runs = await isInstalled(skopeo, 'pulls through us what it pulls without us');

describe.skipIf(!runs)('what skopeo pulls from a registry', () => {
  const directory = mkdtempSync(join(tmpdir(), 'entrepot-behaviours-'));
  let server: Entrepot;
  beforeAll(async () => {
    server = await Entrepot.start({ directory: join(directory, 'server') });
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Which of these it can do: an image by tag, one by digest, and the list of tags. */
  async function abilities(place: string, user: string | undefined, pinned: string): Promise<string[]> {
    const to = () => `dir:${mkdtempSync(join(directory, 'pulled-'))}`;
    const as = (of: string) => (user === undefined ? [`--${of}no-creds`] : [`--${of}creds`, user]);
    const copy = ['copy', '-q', '--src-tls-verify=false', ...as('src-')];
    const tried = {
      tag: [...copy, `docker://${place}:latest`, to()],
      digest: [...copy, `docker://${place}@${pinned}`, to()],
      tags: ['list-tags', '--tls-verify=false', ...as(''), `docker://${place}`],
    };
    const done: string[] = [];
    for (const [what, args] of Object.entries(tried)) {
      const isDone = await run('skopeo', args).then(
        () => true,
        () => false,
      );
      if (isDone) done.push(what);
    }
    return done;
  }

  test.each([
    ['anyone', {}, undefined],
    ['a user', { auth: { kind: 'bearer', username: 'u', password: 'p' } } as const, 'u:p'],
  ])('is everything where nothing is odd about it, by %s', async (_, here, user) => {
    const played = await PlayedUpstream.start({ name: 'is as it should be', here });
    onTestFinished(() => played.stop());
    const able = await abilities(`${played.host}/${repository}`, user, played.corpus.pinned.digest);
    expect(able).toEqual(['tag', 'digest', 'tags']);
  });

  describe.each(behaviours)('%s', (_, all) => {
    for (const behaviour of all) {
      const { name, upstream } = behaviour;
      test(`that ${name}, it pulls through us`, async () => {
        const played = await PlayedUpstream.start(behaviour);
        onTestFinished(() => played.stop());
        await server.setUpstreams(1, [{ url: played.url, name: 'odd', ...upstream }]);
        const user = upstream && `${upstream.username}:${upstream.password}`;
        const { digest } = played.corpus.pinned;
        const without = await abilities(`${played.host}/${repository}`, user, digest);
        const place = `${server.host}/virtual_registries/container/1/${repository}`;
        expect(await abilities(place, `root:${rootToken}`, digest)).toEqual(expect.arrayContaining(without));
      });
    }
  });
});
