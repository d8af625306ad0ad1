import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import Koa from 'koa';
import { expect, test } from 'vitest';
import { bodyParser, LateBody } from '../../../src/api/body-parser.ts';
import { Listener } from '../../../src/api/server/server.ts';
import { silentLog } from '../../support/silent-log.ts';

const heads = {
  'a form': 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 6000\r\n\r\n',
  JSON: 'Content-Type: application/json\r\nContent-Length: 6000\r\n\r\n{',
  'a form of several parts':
    'Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 6000\r\n\r\n--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n',
  'chunks of unknown number':
    'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n',
};

test.each(Object.entries(heads))(
  '%s that does not end in time is told of, and its connection closed, however it trickles',
  async (_, head) => {
    const koa = new Koa();
    koa.use(async (ctx, next) => {
      try {
        await next();
      } catch (error) {
        ctx.status = error instanceof LateBody ? error.status : 400;
        ctx.body = error instanceof LateBody ? error.name : '';
      }
    });
    koa.use(
      bodyParser({
        multipart: true,
        maxJsonBytes: 1_048_576,
        totalMs: 150,
        onError: (error) => {
          throw error;
        },
      }),
    );
    const listener = await Listener.open({
      address: '127.0.0.1:0',
      handler: koa.callback(),
      shutdownMs: 0,
      log: silentLog,
    });
    const socket = connect(Number(new URL(listener.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${head}`);
    const trickle = head.includes('chunked') ? '1\r\n \r\n' : ' ';
    const timer = setInterval(() => socket.write(trickle), 20);
    let received = '';
    socket.on('data', (bytes) => {
      received += bytes;
    });
    await new Promise((done) => socket.once('close', done));
    clearInterval(timer);
    expect(received).toMatch(/^HTTP\/1.1 408 .*^connection: close\r$.*LateBody$/ims);
    await listener.close();
  },
);

test('a connection answers on after a body that is too big when inflated', async () => {
  const koa = new Koa();
  koa.use(async (ctx, next) => {
    await next().catch(() => undefined);
    ctx.status = 200;
  });
  koa.use(
    bodyParser({
      maxJsonBytes: 65_536,
      onError: (error) => {
        throw error;
      },
    }),
  );
  const listener = await Listener.open({
    address: '127.0.0.1:0',
    handler: koa.callback(),
    shutdownMs: 0,
    log: silentLog,
  });
  // More than Node keeps of a body that nobody reads.
  const body = gzipSync(Buffer.alloc(100 * 2 ** 20));
  const socket = connect(Number(new URL(listener.url).port), '127.0.0.1');
  socket.write(
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  socket.write(body);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  let received = '';
  socket.on('data', (bytes) => {
    received += bytes;
  });
  await new Promise((done) => socket.once('close', done));
  expect(received.match(/HTTP\/1.1 200/g)).toHaveLength(2);
  await listener.close();
});
