/**
 * Pushes small blobs, each by POST, PATCH and PUT, some clients at a time, and prints how long it took:
 * `node bench/push-small.ts <repository url> <authorization> <seed> <blobs> <bytes> <clients>`.
 */
import { createHash } from 'node:crypto';
import { seededBytes } from '../test/support/fake-content.ts';

const [base = '', authorization = '', seed, count, bytes, clients] = process.argv.slice(2);
const blobs = Array.from({ length: Number(count) }, (_, index) => {
  const payload = seededBytes(Number(bytes), 100_000 + Number(seed) * 10_000 + index);
  return { payload, digest: `sha256:${createHash('sha256').update(payload).digest('hex')}` };
});
const startedAt = performance.now();
await Promise.all(Array.from({ length: Number(clients) }, pushMany));
process.stdout.write(JSON.stringify({ seconds: (performance.now() - startedAt) / 1000 }));

async function pushMany(): Promise<void> {
  for (let blob = blobs.pop(); blob; blob = blobs.pop()) {
    const { payload, digest } = blob;
    const started = await ask('POST', `${base}/blobs/uploads/`, 202);
    const next = await ask('PATCH', started, 202, payload);
    next.searchParams.set('digest', digest);
    await ask('PUT', next, 201);
  }
}

/** Where the answer says to go on. */
async function ask(method: string, url: URL | string, status: number, body?: Uint8Array): Promise<URL> {
  const headers = { authorization, 'content-type': 'application/octet-stream' };
  const response = await fetch(url, { method, headers, ...(body && { body }) });
  const text = await response.text();
  if (response.status !== status) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return new URL(response.headers.get('location') ?? '', base);
}
