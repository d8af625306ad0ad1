/** Reads an answer's body as fast as it comes, without keeping it: `node bench/drain.ts <url> <authorization>` prints bytes and seconds. */
import { connect } from 'node:net';

const [url = '', authorization = ''] = process.argv.slice(2);
const { hostname, port, pathname } = new URL(url);
const head = [
  `GET ${pathname} HTTP/1.1`,
  `Host: ${hostname}:${port}`,
  `Authorization: ${authorization}`,
  'Connection: close',
];
const startedAt = performance.now();
let bodyBytes = 0;
let expectedBytes = Number.POSITIVE_INFINITY;
let headText = '';

const socket = connect({
  host: hostname,
  port: Number(port),
  onread: {
    buffer: Buffer.alloc(1024 * 1024),
    callback: (count, buffer) => {
      if (Number.isFinite(expectedBytes)) bodyBytes += count;
      else readHead(Buffer.from(buffer.buffer, buffer.byteOffset, count).toString('latin1'));
      if (bodyBytes >= expectedBytes) socket.destroy();
      return true;
    },
  },
});
socket.write(`${head.join('\r\n')}\r\n\r\n`);
socket.once('close', () => {
  if (bodyBytes !== expectedBytes)
    throw new Error(`${bodyBytes} of ${expectedBytes} bytes came: ${headText.slice(0, 500)}`);
  process.stdout.write(JSON.stringify({ bytes: bodyBytes, seconds: (performance.now() - startedAt) / 1000 }));
});

function readHead(text: string): void {
  headText += text;
  const end = headText.indexOf('\r\n\r\n');
  if (end < 0) return;
  if (!headText.startsWith('HTTP/1.1 200')) throw new Error(headText.slice(0, end));
  expectedBytes = Number(/^content-length: (\d+)/im.exec(headText)?.[1]);
  bodyBytes = headText.length - end - 4;
}
