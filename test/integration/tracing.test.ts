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
  readonly attributes: readonly Attribute[];
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}

interface Span extends SpanBody {
  /** The process that it is of. */
  readonly process: string | undefined;
}

interface TracesBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly SpanBody[] }[];
  }[];
}

/** Takes OTLP over HTTP. */
async function startCollector() {
  const spans: Span[] = [];
  const paths = new Set<string>();
  const server = createServer(async (request, response) => {
    paths.add(`${request.method} ${request.url}`);
    const body = (await json(request)) as TracesBody;
    for (const { resource, scopeSpans } of body.resourceSpans) {
      const instance = resource.attributes.find(({ key }) => key === 'service.instance.id');
      const process = instance?.value.stringValue;
      spans.push(...scopeSpans.flatMap((each) => each.spans.map((span) => ({ ...span, process }))));
    }
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
const heldBytes = 1024 * 1024;
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

  test('what a process follows at another one is in the trace of its own client, at both', async () => {
    await using collector = await startCollector();
    await using upstream = await new FakeRegistry().start();
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    const layer = upstream.repository('team/app').addBlob(2 * heldBytes, 1);
    upstream.fault({ kind: 'blob', method: 'GET' }, { holdAt: heldBytes, until });
    const owner = await start({
      areWorkers: true,
      upstreams: [upstream],
      // A busy machine is no dead process.
      environment: {
        ENTREPOT_TRACING__ENDPOINT: collector.endpoint,
        ENTREPOT_CLUSTER__REACH_SECONDS: '60',
      },
    });
    const follower = await owner.startAnother();
    const first = await owner.blob('team/app', layer.digest);
    const second = await follower.blob('team/app', layer.digest, { headers: { traceparent } });
    release();
    for (const answer of [first, second]) expect((await bytesOf(answer)).length).toBe(2 * heldBytes);
    await follower.stop();
    await owner.close();

    expect(upstream.count({ kind: 'blob' })).toBe(1);
    const spans = collector.spans.filter((span) => span.traceId === traceId);
    const asked = spans.find(({ name }) => name === 'ask process');
    const answered = spans.find(({ name }) => name === 'GET -/fills');
    expect(answered?.parentSpanId).toBe(asked?.spanId);
    expect(asked?.process).toBe(spans.find(({ name }) => name === 'pull blob')?.process);
    expect(answered?.process).not.toBe(asked?.process);
    const lineage = [asked];
    for (let child = asked; child && child.parentSpanId !== parent; lineage.unshift(child))
      child = spans.find(({ spanId }) => spanId === child?.parentSpanId);
    expect(lineage[0]?.name).toBe('GET blobs');
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
