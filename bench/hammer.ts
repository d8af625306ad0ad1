/**
 * Asks over and over on some connections, where wrk is not installed or cannot:
 * `node bench/hammer.ts GET|HEAD <url> <seconds> <connections> <header: value>…` prints answers per second, and within how many
 * milliseconds half and 99 of 100 came. `{1000}` in the URL is another number below 1000 each time.
 */
import { connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

const [method, url = '', seconds = '5', connections = '32', ...headers] = process.argv.slice(2);
const { protocol, host, hostname, port, pathname, search } = new URL(url);
const target = decodeURI(`${pathname}${search}`);
const tail = ['', `Host: ${host}`, ...headers, '', ''].join('\r\n');
const startedAt = performance.now();
const times: number[] = [];

await Promise.all(Array.from({ length: Number(connections) }, ask));
const tookSeconds = (performance.now() - startedAt) / 1000;
times.sort((a, b) => a - b);
const quantile = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
process.stdout.write(
  JSON.stringify({ perSecond: times.length / tookSeconds, p50: quantile(0.5), p99: quantile(0.99) }),
);

function question(): string {
  const path = target.replace(/\{(\d+)\}/, (_, below) => String(Math.floor(Math.random() * Number(below))));
  return `${method} ${path} HTTP/1.1${tail}`;
}

/** The next question follows the last byte of an answer, whose head comes in one piece: a miss is longer than a hit. */
function ask(): Promise<void> {
  return new Promise((resolve, reject) => {
    let missing = 0;
    let askedAt = performance.now();
    const askNext = () => {
      askedAt = performance.now();
      socket.write(question());
    };
    const there = { host: hostname, port: Number(port), noDelay: true };
    const socket =
      protocol === 'https:'
        ? connectSecurely({ ...there, rejectUnauthorized: false }, askNext)
        : connect(there, askNext);
    socket.on('data', (chunk) => {
      if (missing === 0) missing = lengthOf(chunk.toString('latin1'));
      missing -= chunk.length;
      if (missing > 0) return;
      times.push(performance.now() - askedAt);
      if (performance.now() - startedAt < Number(seconds) * 1000) askNext();
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
