/** Answers with files of a directory, which it reads once: `node bench/peers/ceiling.ts koa|node:http <host:port> <directory>`. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import Koa from 'koa';

const [kind, host = '', directory = ''] = process.argv.slice(2);
const [address, port] = host.split(':');
const known = new Map<string, Buffer>();

if (kind === 'koa') {
  const app = new Koa();
  app.use((ctx) => {
    ctx.body = bytesAt(ctx.path);
  });
  app.listen(Number(port), address);
} else {
  createServer((request, response) => {
    const bytes = bytesAt(request.url ?? '/');
    response.writeHead(200, { 'Content-Length': bytes.length });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }).listen(Number(port), address);
}

function bytesAt(path: string): Buffer {
  const found = known.get(path);
  if (found) return found;
  const bytes = path === '/' ? Buffer.alloc(0) : readFileSync(join(directory, path));
  known.set(path, bytes);
  return bytes;
}
