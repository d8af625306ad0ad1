/** The same requests with the records in SQLite and in PostgreSQL, whose server is on whatever core it was given. */
import { join } from 'node:path';
import { createDatabase } from '../../test/support/postgres-database.ts';
import type { Contender, Peer, Place } from '../contender.ts';
import { imageOf } from '../image.ts';
import { type Rate, rateOf } from '../load.ts';
import { hosted, virtual } from '../peers/entrepot.ts';
import { inTurn } from '../rounds.ts';
import { type Scenario, withWarm } from '../scenario.ts';
import type { Row } from '../table.ts';

const kib = 4;
const connections = 32;
const serverUrl = process.env['TEST_POSTGRES_URL'];

export const databases: Scenario = {
  name: 'databases',
  title: 'SQLite and PostgreSQL',
  lead: () =>
    `${connections} connections; processor time is that of Entrepot alone. PostgreSQL is measured where TEST_POSTGRES_URL names a server.`,
  rows: () =>
    [
      { quantity: 'manifest', what: 'a manifest by its tag' },
      { quantity: 'blob', what: `a blob of ${kib} KiB` },
    ].flatMap(({ quantity, what }): Row[] => [
      { quantity, what, unit: '/s', decimals: 0, better: 'more' },
      {
        quantity: `${quantity}Cpu`,
        what: 'processor time for each',
        unit: ' µs',
        decimals: 0,
        better: 'less',
      },
    ]),
  async measure(stage) {
    const { rounds, warmUps, seconds, loadCore: core } = stage;
    if (!serverUrl) console.log('not measured on PostgreSQL: TEST_POSTGRES_URL is not set');
    const both = (peer: Peer) => (serverUrl ? [peer, onPostgres(peer, serverUrl)] : [peer]);
    const image = imageOf([kib * 1024], 9);
    const peers = { hosting: both(hosted), pullingThrough: both(virtual) };
    return await withWarm(stage, peers, image, async (contenders) => {
      return await inTurn({
        contenders,
        rounds,
        warmUps,
        async measure(contender) {
          const rate = async (path: string): Promise<Rate> => {
            const authorization = await contender.authorization();
            const url = `${contender.base}/${path}`;
            return await rateOf(contender, { url, authorization, connections, seconds, core });
          };
          const manifest = await rate('manifests/latest');
          const blob = await rate(`blobs/${image.layers[0]?.digest}`);
          return {
            manifest: manifest.perSecond,
            manifestCpu: manifest.cpuMicroseconds,
            blob: blob.perSecond,
            blobCpu: blob.cpuMicroseconds,
          };
        },
      });
    });
  },
};

/** The same server with a database of its own there. */
function onPostgres(peer: Peer, server: string): Peer {
  const name = `${peer.name}, PostgreSQL`;
  return {
    ...peer,
    name,
    async start(place: Place, origin: string): Promise<Contender> {
      const { url: databaseUrl, drop } = await createDatabase(server);
      const directory = join(place.directory, 'postgres');
      const contender = await peer.start({ ...place, directory, databaseUrl }, origin);
      return {
        ...contender,
        name,
        async stop() {
          await contender.stop();
          await drop();
        },
      };
    },
  };
}
