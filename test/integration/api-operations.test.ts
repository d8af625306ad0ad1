import { expect, test } from 'vitest';
import { apiCalls } from '../support/api-calls/all.ts';
import { type ApiCall, ApiWorld } from '../support/api-calls/api-world.ts';
import { refusingEndpoint } from '../support/api-calls/webhooks.ts';
import { ApiDocument, type Document } from '../support/api-document.ts';
import type { TestApp } from '../support/app.ts';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { startExternalRegistry, trustedBy } from '../support/external-registry.ts';
import { FakeRegistry } from '../support/fake-registry.ts';

/** Only where they are needed, or say something. */
const sometimes = /^(?:ratelimit|deprecation|retry-after)/i;

/** What is left out of these has consequences. */
const strict = [
  'DELETE /projects/{id}/registry/repositories/{repository_id}/tags',
  'POST /groups/{id}/-/virtual_registries/cleanup/policy',
  'PATCH /groups/{id}/-/virtual_registries/cleanup/policy',
];

async function documentOf(app: TestApp): Promise<ApiDocument> {
  return new ApiDocument(await jsonOf<Document>(await fetch(`${app.url}/api/v4/openapi.json`)));
}

/** @param given a parameter that no operation knows is sent along */
function send(app: TestApp, operation: string, given: ApiCall, headers: Record<string, string> = {}) {
  const [method = '', template = ''] = operation.split(' ');
  const path = template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(given.path?.[name] ?? ''));
  const query = new URLSearchParams({ unheard_of: '1' });
  for (const [name, value] of Object.entries(given.query ?? {})) query.set(name, String(value));
  return app.api(method, `${path}?${query}`, given.body, {
    ...(given.token !== undefined && { 'private-token': given.token }),
    ...headers,
  });
}

describeApp('every operation of the API document', (start) => {
  test('takes what the document says and answers as it says', async () => {
    await using upstream = await new FakeRegistry().start();
    await using external = await startExternalRegistry();
    const environment = { ...refusingEndpoint, ...trustedBy(external.url) };
    await using app = await start({ upstreams: [upstream], environment });
    const document = await documentOf(app);
    expect(Object.keys(apiCalls).toSorted()).toEqual(document.operations.toSorted());

    const world = await ApiWorld.create(app, upstream, external);
    const faults: string[] = [];
    for (const operation of document.operations) {
      const call = await apiCalls[operation]?.(world);
      if (!call) continue;
      faults.push(
        ...document.faultsOfParameters(operation, 'path', call.path ?? {}),
        ...document.faultsOfParameters(operation, 'query', call.query ?? {}),
        ...document.faultsOfBody(operation, call.body),
      );
      const answer = await send(app, operation, call);
      const text = await answer.text();
      const status = document.successOf(operation);
      if (answer.status !== status) {
        faults.push(`${operation} answered ${answer.status} ${text}`);
        continue;
      }
      faults.push(...document.faultsOfAnswer(operation, status, answer.headers.get('content-type'), text));
      const missing = document
        .headersOf(operation, status)
        .filter((name) => !sometimes.test(name) && !answer.headers.has(name));
      if (missing.length > 0) faults.push(`${operation} has no ${missing}`);
      const etag = answer.headers.get('etag');
      if ((etag !== null) !== document.hasStatus(operation, 304))
        faults.push(`${operation} has the ETag ${etag}`);
      if (etag !== null) {
        const again = await send(app, operation, call, { 'if-none-match': etag });
        if (again.status !== 304 || (await again.text()) !== '') faults.push(`${operation} is sent again`);
      }
    }
    expect(faults).toEqual([]);
  }, 300_000);

  test('takes null, and an empty text for what is no text, as not given where it may be left out', async () => {
    await using upstream = await new FakeRegistry().start();
    await using external = await startExternalRegistry();
    const environment = { ...refusingEndpoint, ...trustedBy(external.url) };
    await using app = await start({ upstreams: [upstream], environment });
    const document = await documentOf(app);
    const world = await ApiWorld.create(app, upstream, external);
    const faults: string[] = [];
    for (const operation of document.operations.filter((each) => !strict.includes(each))) {
      const optionals = document.optionalsOf(operation);
      for (const blank of optionals.length === 0 ? [] : [null, '']) {
        const call = await apiCalls[operation]?.(world);
        const given: Record<string, unknown> = { ...call?.query, ...call?.body };
        const added = optionals.filter(({ name, isText }) => !(name in given) && (blank === null || !isText));
        const blanks = Object.fromEntries(added.map(({ name }) => [name, blank]));
        const isQuery = operation.startsWith('GET');
        const empty = Object.fromEntries(added.map(({ name }) => [name, '']));
        const answer = await send(app, operation, {
          ...call,
          ...(isQuery ? { query: { ...call?.query, ...empty } } : { body: { ...call?.body, ...blanks } }),
        });
        if (answer.status !== document.successOf(operation))
          faults.push(`${operation} with ${JSON.stringify(blanks)}: ${answer.status} ${await answer.text()}`);
        else await answer.arrayBuffer();
      }
    }
    expect(faults).toEqual([]);
  }, 300_000);

  test('refuses who is nobody as the document says', async () => {
    await using app = await start();
    const document = await documentOf(app);
    const faults: string[] = [];
    for (const operation of document.operations) {
      const path = {
        id: '1',
        repository: 'acme/shop',
        repository_id: 1,
        tag_name: 'v1',
        hook_id: 1,
        hook_event_id: 1,
        token_id: 1,
        user_id: 1,
        trust_id: 1,
        protection_rule_id: 1,
        rule_id: 1,
        run_id: 1,
        pin_id: 1,
        prewarm_id: 1,
        deleted_tag_id: 1,
        name: 'gc',
        digest: 'sha256:0',
      };
      const answer = await send(app, operation, { path, token: 'ent-nobody-has-this-one' });
      if (answer.status !== 401) faults.push(`${operation} answered ${answer.status}`);
      else
        faults.push(
          ...document.faultsOfAnswer(operation, 401, answer.headers.get('content-type'), await answer.text()),
        );
      if (!answer.headers.has('x-request-id')) faults.push(`${operation} has no id`);
    }
    expect(faults).toEqual([]);
  });
});
