/** A cloud that answers what it is told to, in turn, and keeps what it was asked. Ends with the test. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface AskedOfCloud {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Without its query. */
  readonly at: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface SaidByCloud {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether the connection breaks after the body. */
  readonly breaks?: boolean;
}

export interface ScriptedCloud {
  readonly url: string;
  readonly asked: AskedOfCloud[];
  /** Of the next requests. */
  readonly says: SaidByCloud[];
}

export async function startCloud(): Promise<ScriptedCloud> {
  const asked: AskedOfCloud[] = [];
  const says: SaidByCloud[] = [];
  const server = createServer(async (request, response) => {
    const { method = '', url: path = '', headers } = request;
    const body = String(Buffer.concat(await Array.fromAsync(request)));
    const { pathname: at, searchParams: query } = new URL(path, 'http://cloud');
    asked.push({ method, path, at, query, headers, body });
    const said = says.shift() ?? { status: 418 };
    response.writeHead(said.status ?? 200, said.headers);
    if (said.breaks) response.write(said.body ?? '', () => response.destroy());
    else response.end(said.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, says };
}

/** All bytes of what was read. */
export async function textOf(chunks: AsyncIterable<Uint8Array> | undefined): Promise<string | undefined> {
  return chunks && String(Buffer.concat(await Array.fromAsync(chunks)));
}
