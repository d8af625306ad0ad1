/** Traces of OpenTelemetry: one cold pull, as a collector gets it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { bytesOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { listeningLog } from '../support/listening-log.ts';

/** As much of OTLP in JSON as is looked at. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
interface SpanBody {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}

interface TracesBody {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly SpanBody[] }[];
  }[];
}

/** Takes OTLP over HTTP. */
async function startCollector() {
  const spans: SpanBody[] = [];
  const paths = new Set<string>();
  const server = createServer(async (request, response) => {
    paths.add(`${request.method} ${request.url}`);
    const body = (await json(request)) as TracesBody;
    spans.push(...body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((each) => each.spans)));
    response.setHeader('Content-Type', 'application/json').end('{}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    spans,
    paths,
    endpoint: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parent = 'b7ad6b7169203331';
const traceparent = `00-${traceId}-${parent}-01`;

describeApp('tracing', (start) => {
  test('a collector sees what one cold pull waited for, in the trace that the client began', async () => {
    await using collector = await startCollector();
    await using upstream = await new FakeRegistry().start();
    const layer = seededBlob(300_000, 1);
    upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
    const app = await start({
      upstreams: [upstream],
      environment: { ENTREPOT_TRACING__ENDPOINT: collector.endpoint },
    });
    const headers = { traceparent };
    expect((await app.manifest('team/app', 'v1', { headers })).status).toBe(200);
    expect((await bytesOf(await app.blob('team/app', layer.digest, { headers }))).length).toBe(300_000);
    const asked = upstream.requests.filter(({ kind }) => kind === 'manifest' || kind === 'blob');
    // It ends when all is sent.
    await app.close();

    expect([...collector.paths]).toEqual(['POST /v1/traces']);
    const spans = collector.spans.filter((span) => span.traceId === traceId);
    const names = new Set(spans.map(({ name }) => name));
    for (const name of [
      ...['GET manifests', 'pull manifest', 'probe manifest', 'fetch manifest', 'sql'],
      ...['GET blobs', 'pull blob', 'open blob at upstream', 'create spool', 'fill'],
    ])
      expect(names).toContain(name);
    const spanNamed = (name: string) => spans.find((span) => span.name === name);
    expect(spanNamed('GET manifests')?.parentSpanId).toBe(parent);
    expect(spanNamed('pull manifest')?.parentSpanId).toBe(spanNamed('GET manifests')?.spanId);
    expect(spanNamed('pull blob')?.parentSpanId).toBe(spanNamed('GET blobs')?.spanId);
    expect(asked.length).toBeGreaterThan(2);
    for (const request of asked) expect(request.headers['traceparent']).toMatch(`00-${traceId}-`);
    const statements = spans.filter(({ name }) => name === 'sql').flatMap(({ attributes }) => attributes);
    expect(statements.map(({ value }) => value.stringValue).join()).not.toContain('team/app');
  });

  test('lines of the log have the trace of their request', async () => {
    await using collector = await startCollector();
    const { log, told } = listeningLog();
    const app = await start({ log, environment: { ENTREPOT_TRACING__ENDPOINT: collector.endpoint } });
    await fetch(`${app.url}/api/v4/version`, { headers: { traceparent } });
    await app.close();
    expect(told).toContainEqual(['info', expect.objectContaining({ traceId, path: '/api/v4/version' })]);
  });

  test('a collector that is away holds up nobody', async () => {
    await using upstream = await new FakeRegistry().start();
    upstream.repository('team/app').addImage({ tag: 'v1' });
    await using app = await start({
      upstreams: [upstream],
      environment: { ENTREPOT_TRACING__ENDPOINT: 'http://127.0.0.1:1' },
    });
    expect((await app.manifest('team/app', 'v1')).status).toBe(200);
  });

  test('where it is off, upstreams are told of no trace', async () => {
    await using upstream = await new FakeRegistry().start();
    upstream.repository('team/app').addImage({ tag: 'v1' });
    await using app = await start({ upstreams: [upstream] });
    expect((await app.manifest('team/app', 'v1', { headers: { traceparent } })).status).toBe(200);
    for (const { headers } of upstream.requests) expect(headers['traceparent']).toBeUndefined();
  });
});
