/** A reverse proxy that has a server below a path, as companies put one: the path is taken off, and said in headers. */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** @param path with a slash before it. @returns the URL of what is below it; ends with the test */
export async function putBelow(path: string, target: string): Promise<string> {
  const server = createServer((asked, answer) => {
    const { url = '', method, headers } = asked;
    if (url === path) return void answer.writeHead(301, { location: `${path}/` }).end();
    // Whatever is above the path is somebody else's.
    if (!url.startsWith(`${path}/`)) return void answer.writeHead(418).end();
    const forwarded = {
      'x-forwarded-host': headers.host,
      'x-forwarded-proto': 'http',
      'x-forwarded-prefix': path,
    };
    const passed = request(
      new URL(url.slice(path.length), target),
      { method, headers: { ...headers, ...forwarded } },
      (answered) => {
        answer.writeHead(answered.statusCode ?? 502, answered.headers);
        answered.pipe(answer);
      },
    );
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}${path}`;
}
