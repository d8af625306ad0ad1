/** How often an upstream is asked about a tag. */
import { DatabaseSync } from 'node:sqlite';
import { databaseFile } from '../../../src/config/data-directory.ts';
import { Entrepot } from '../support/entrepot.ts';
import { type Figure, type Stage, virtualUrl } from '../support/figure.ts';
import { pull } from '../support/pulling.ts';

const repository = 'fresh/image';

/** The server is started again in between, to make what it believes old; the stage's own server goes on. */
export async function freshness({ upstream }: Stage, directory: string): Promise<Figure[]> {
  const image = await upstream.call('addImage', repository, '1', [1000], 21);
  let server = await Entrepot.start({ directory });
  try {
    await server.setUpstreams(1, [{ url: upstream.url, name: 'counting' }]);
    const pullTag = () =>
      pull(virtualUrl(server, repository, 'manifests', '1'), { authorization: server.authorization });
    await pullTag();
    await upstream.call('forgetRequests');
    for (let count = 0; count < 20; count += 1) await pullTag();
    const whileFresh = await upstream.call('requests', {});

    await server.stop();
    expireEntries(server);
    server = await Entrepot.start({ directory });
    await upstream.call('forgetRequests');
    const answers = await Promise.all(Array.from({ length: 100 }, pullTag));
    const afterwards = await upstream.call('requests', {});
    const heads = afterwards.filter(({ method }) => method === 'HEAD').length;
    const right = answers.filter(({ digest }) => digest === image.digest).length;
    return [
      {
        what: '20 pulls of a fresh tag',
        bound: '0 requests',
        measured: `${whileFresh.length} requests`,
        holds: whileFresh.length === 0,
      },
      {
        what: '100 parallel pulls of an expired tag',
        bound: '1 HEAD, all complete',
        measured: `${heads} HEAD, ${afterwards.length - heads} other, ${right} of 100 complete`,
        holds: heads === 1 && afterwards.length === 1 && right === 100,
      },
    ];
  } finally {
    await server.stop();
  }
}

function expireEntries(server: Entrepot): void {
  const database = new DatabaseSync(databaseFile(server.dataDirectory));
  database.exec('update cache_entries set checked_at = 0');
  database.close();
}
