/**
 * Asks for the same thing over and over on some connections, where wrk is not installed:
 * `node bench/hammer.ts GET|HEAD <url> <seconds> <connections> <header: value>…` prints answers per second.
 */
import { connect } from 'node:net';

const [method, url = '', seconds = '5', connections = '32', ...headers] = process.argv.slice(2);
const { host, hostname, port, pathname, search } = new URL(url);
const text = [`${method} ${pathname}${search} HTTP/1.1`, `Host: ${host}`, ...headers].join('\r\n');
const question = Buffer.from(`${text}\r\n\r\n`);
const startedAt = performance.now();
let answers = 0;

await Promise.all(Array.from({ length: Number(connections) }, ask));
process.stdout.write(JSON.stringify({ perSecond: answers / ((performance.now() - startedAt) / 1000) }));

/** The next question follows the last byte of an answer, whose head comes in one piece: a miss is longer than a hit. */
function ask(): Promise<void> {
  return new Promise((resolve, reject) => {
    let missing = 0;
    const socket = connect({ host: hostname, port: Number(port), noDelay: true }, () =>
      socket.write(question),
    );
    socket.on('data', (chunk) => {
      if (missing === 0) missing = lengthOf(chunk.toString('latin1'));
      missing -= chunk.length;
      if (missing > 0) return;
      answers += 1;
      if (performance.now() - startedAt < Number(seconds) * 1000) socket.write(question);
      else socket.end();
    });
    socket.once('error', reject);
    socket.once('close', () => resolve());
  });
}

function lengthOf(begin: string): number {
  if (!begin.startsWith('HTTP/1.1 200')) throw new Error(begin.slice(0, 300));
  const body = method === 'HEAD' ? 0 : Number(/^content-length: (\d+)/im.exec(begin)?.[1]);
  return begin.indexOf('\r\n\r\n') + 4 + body;
}
