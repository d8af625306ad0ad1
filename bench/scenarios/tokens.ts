/** Registry tokens for a personal access token, one for every repository that a client pulls from. */
import { Entrepot } from '../../test/e2e/support/entrepot.ts';
import { repository } from '../contender.ts';
import { rateOf } from '../load.ts';
import { inTurn } from '../rounds.ts';
import type { Scenario } from '../scenario.ts';

const connections = 32;

export const tokens: Scenario = {
  name: 'tokens',
  title: 'Tokens',
  lead: () => `Signed for a personal access token, ${connections} connections.`,
  rows: () => [
    { quantity: 'rate', what: 'from /jwt/auth', unit: '/s', decimals: 0, better: 'more', bound: 6000 },
    { quantity: 'cpu', what: 'processor time for each', unit: ' µs', decimals: 0, better: 'less' },
  ],
  async measure(stage) {
    const { directory, serverCore: core, loadCore, seconds, rounds, warmUps } = stage;
    const server = await Entrepot.start({ directory, ...(core !== undefined && { core }) });
    try {
      await server.createProject(repository);
      const { username, password } = await server.createUser('puller', ['read_registry'], { bench: 20 });
      const query = new URLSearchParams({
        service: 'container_registry',
        scope: `repository:${repository}:pull`,
      });
      const options = {
        url: `http://${server.host}/jwt/auth?${query}`,
        authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
        connections,
        seconds,
        core: loadCore,
      };
      const contender = {
        name: 'Entrepot',
        pid: server.program.pid,
        base: '',
        authorization: async () => options.authorization,
        stop: () => server.stop(),
      };
      return await inTurn({
        contenders: [contender],
        rounds,
        warmUps,
        async measure({ pid }) {
          const { perSecond, cpuMicroseconds } = await rateOf({ pid }, options);
          return { rate: perSecond, cpu: cpuMicroseconds };
        },
      });
    } finally {
      await server.stop();
    }
  },
};
