import { expect, test } from 'vitest';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, object>>;
}

describeApp('the description of the API', (start) => {
  test('is an OpenAPI 3.1 document that everyone may read, in which every reference leads somewhere', async () => {
    await using app = await start();
    const answer = await fetch(`${app.url}/api/v4/openapi.json`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    const document = await jsonOf<Document>(answer);
    expect(document.openapi).toMatch(/^3\.1\./);
    const references = new Set(JSON.stringify(document).match(/(?<="\$ref":"#\/)[^"]+/g));
    expect(references.size).toBeGreaterThan(20);
    for (const reference of references) {
      const found = reference
        .split('/')
        .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
      expect(found, reference).toBeTypeOf('object');
    }
  });

  test('is sent again only when it has changed', async () => {
    await using app = await start();
    const first = await fetch(`${app.url}/api/v4/openapi.json`);
    const etag = first.headers.get('etag') ?? '';
    const again = await fetch(`${app.url}/api/v4/openapi.json`, { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    expect((await again.text()).length).toBe(0);
  });

  test('is shown to people by a page that may load and ask nothing of other servers', async () => {
    await using app = await start();
    const page = await fetch(`${app.url}/api/docs`);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy.replaceAll("'self'", '')).not.toMatch(/unsafe|https?:|\*/);
    const text = await page.text();
    const parts = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, part]) => part ?? '');
    expect(parts).toContain('v4/openapi.json');
    for (const part of parts.filter((each) => each !== 'data:,')) {
      // A proxy may have put it below a path.
      expect(part).not.toMatch(/^\//);
      const answer = await fetch(new URL(part, page.url));
      expect([part, answer.status]).toEqual([part, 200]);
      await answer.body?.cancel();
    }
    expect((await fetch(`${app.url}/api/docs/package.json`)).status).toBe(404);
  });
});
