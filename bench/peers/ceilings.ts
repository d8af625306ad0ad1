/** Servers that do nothing but answer: what the language and its HTTP leave to win. */
import { join } from 'node:path';
import { answers, start } from '../../test/e2e/support/processes.ts';
import { freePort } from '../../test/support/free-port.ts';
import { type Peer, pinned, repository } from '../contender.ts';

export const plainKoa = ceiling('koa');
export const plainHttp = ceiling('node:http');

function ceiling(kind: 'koa' | 'node:http'): Peer {
  const name = `plain ${kind}`;
  return {
    name,
    programs: [],
    async start({ directory, core }) {
      const host = `127.0.0.1:${await freePort()}`;
      const program = join(import.meta.dirname, 'ceiling.ts');
      const [command, args] = pinned(core, process.execPath, program, kind, host, directory);
      const running = await start(command, args, {
        logFile: `${directory}.log`,
        isReady: () => answers(`http://${host}/`),
      });
      return {
        name,
        pid: running.pid,
        base: `http://${host}/v2/${repository}`,
        authorization: async () => undefined,
        root: join(directory, 'v2', repository),
        stop: () => running.stop(),
      };
    },
  };
}
