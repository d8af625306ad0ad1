import { expect, test } from 'vitest';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { ociIndex, ociManifest } from '../../src/oci/media-types.ts';
import { bytesOf, errorOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { bytesBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createProject, Pusher } from '../support/pushing.ts';

const config = bytesBlob('{"architecture":"amd64"}');
const layer = bytesBlob('a layer');
const descriptorOf = ({ digest, size }: { digest: Digest; size: number }, more: object = {}) => ({
  mediaType: 'application/x',
  digest,
  size,
  ...more,
});
const image = { schemaVersion: 2, config: descriptorOf(config), layers: [descriptorOf(layer)] };

/** PostgreSQL keeps no NUL in a text, and neither keeps half of a surrogate pair. */
const unstorable = ['\0', '\ud800', 'a\0b', 'a'.repeat(256)];

describeApp('a manifest with what no media type can be', (start) => {
  test('is refused where it is pushed, and pushed where it is said elsewhere', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    for (const blob of [config, layer]) await pusher.blob(blob);
    const put = (content: object, mediaType = ociManifest) =>
      pusher.manifest({ mediaType, payload: Buffer.from(JSON.stringify(content)) }, 'v1');
    for (const text of unstorable) {
      const typed = { mediaType: text };
      for (const content of [
        { ...image, artifactType: text },
        { ...image, config: descriptorOf(config, typed) },
        { ...image, layers: [descriptorOf(layer, typed)] },
        { ...image, subject: descriptorOf(config, typed) },
        { ...image, layers: [descriptorOf(layer, { artifactType: text })] },
      ]) {
        const answer = await put(content);
        expect([answer.status, (await errorOf(answer)).code]).toEqual([400, 'MANIFEST_INVALID']);
      }
      const index = { schemaVersion: 2, manifests: [descriptorOf(layer, typed)] };
      expect((await put(index, ociIndex)).status).toBe(400);
    }
    const odd = {
      annotations: { '\0': '\0\ud800', a: '\0' },
      platform: { os: '\0', 'os.version': '\ud800' },
    };
    const subject = descriptorOf(config);
    const content = { ...image, ...odd, subject, config: descriptorOf(config, { ...odd, urls: ['\0'] }) };
    const answer = await put({ ...content, layers: [descriptorOf(layer, odd)] });
    expect([answer.status, await answer.text()]).toEqual([201, '']);
    const pulled = await bytesOf(await pusher.ask('GET', 'manifests/v1'));
    expect(JSON.parse(pulled.toString())).toMatchObject(odd);
    expect((await pusher.ask('GET', `referrers/${config.digest}`)).status).toBe(200);
    const described = await app.api('GET', '/projects/acme%2Fshop/registry/repositories');
    expect(described.status).toBe(200);
  });

  test('is kept where it comes from an upstream, byte for byte, and not fetched again', async () => {
    await using upstream = await new FakeRegistry().start();
    const repository = upstream.repository('team/app');
    for (const blob of [config, layer]) repository.put(blob);
    const tags = unstorable.map((text, index) => {
      const typed = { mediaType: text, artifactType: text, annotations: { [text]: text } };
      const content = {
        ...{ ...image, artifactType: text, annotations: { [text]: text } },
        ...{ config: descriptorOf(config, typed), layers: [descriptorOf(layer, typed)] },
        subject: descriptorOf(bytesBlob('subject'), typed),
      };
      const payload = Buffer.from(JSON.stringify(content, undefined, 1));
      repository.push({ ...unsaid, digest: digestOf(payload), payload, mediaType: ociManifest }, `v${index}`);
      return { tag: `v${index}`, payload };
    });
    await using app = await start({ upstreams: [upstream] });
    for (const { tag, payload } of tags)
      expect((await bytesOf(await app.manifest('team/app', tag))).equals(payload)).toBe(true);
    await app.stop();
    await app.resume();
    upstream.forgetRequests();
    for (const { tag, payload } of tags) {
      const answer = await app.manifest('team/app', tag);
      expect(answer.headers.get('cache-status')).toContain('hit');
      expect((await bytesOf(answer)).equals(payload)).toBe(true);
    }
    expect(upstream.count()).toBe(0);
    expect((await app.blob('team/app', layer.digest)).status).toBe(200);
  });
});

const unsaid = {
  subject: undefined,
  artifactType: undefined,
  annotations: undefined,
  config: undefined,
  layers: [],
};

describeApp('a manifest that clients read otherwise than it is written', (start) => {
  test('is refused where it is pushed, so that none of its layers can be collected', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    for (const blob of [config, layer]) await pusher.blob(blob);
    const text = JSON.stringify(image);
    for (const odd of [
      text.replace('"layers"', '"Layers"'),
      text.replace('"layers"', '"layers":[],"layers"'),
      `\ufeff${text}`,
      text.replace(`"size":${layer.size}`, `"size":${layer.size}.0`),
    ]) {
      const answer = await pusher.manifest({ mediaType: ociManifest, payload: Buffer.from(odd) }, 'v1');
      expect([answer.status, (await errorOf(answer)).code]).toEqual([400, 'MANIFEST_INVALID']);
    }
  });

  test('is passed on as it is where it comes from an upstream, and its children come from there', async () => {
    await using first = await new FakeRegistry().start();
    await using second = await new FakeRegistry().start();
    const child = second.repository('team/app').addImage({ layers: [layer] });
    const listed = { mediaType: ociManifest, digest: child.digest, size: child.payload.length };
    const payload = Buffer.from(`{"schemaVersion":2,"manifestſ":[${JSON.stringify(listed)}]}`);
    second
      .repository('team/app')
      .push({ ...unsaid, digest: digestOf(payload), payload, mediaType: ociIndex }, 'v1');
    await using app = await start({ upstreams: [first, second] });
    expect((await bytesOf(await app.manifest('team/app', 'v1'))).equals(payload)).toBe(true);
    first.forgetRequests();
    expect((await app.manifest('team/app', child.digest)).status).toBe(200);
    expect(first.count()).toBe(0);
  });
});

describeApp('the type of a manifest from an upstream', (start) => {
  test('is that of a manifest, whatever the upstream says', async () => {
    await using upstream = await new FakeRegistry().start();
    const repository = upstream.repository('team/app');
    const typed = (mediaType: string | undefined) =>
      Buffer.from(JSON.stringify({ ...image, ...(mediaType && { mediaType }) }));
    const docker = 'application/vnd.docker.distribution.manifest.v2+json';
    const cases: readonly (readonly [string, Buffer, string])[] = [
      ['text/html; charset=utf-8', typed(undefined), ociManifest],
      ['text/html', typed(docker), docker],
      ['application/\u00fc', typed('text/html'), ociManifest],
      ['', Buffer.from(JSON.stringify({ mediaType: docker, ...image })), docker],
      [docker, Buffer.from(JSON.stringify(image, undefined, 1)), docker],
      [`${ociIndex};x=y`, Buffer.from('{"schemaVersion":2,"manifests":[]}'), ociIndex],
      ['application/json', Buffer.from('{"schemaVersion":2,"manifests":[ ]}'), ociIndex],
    ];
    for (const [index, [mediaType, payload]] of cases.entries())
      repository.push({ ...unsaid, digest: digestOf(payload), payload, mediaType }, `v${index}`);
    await using app = await start({ upstreams: [upstream] });
    for (const round of ['cold', 'warm'])
      for (const [index, [said, , expected]] of cases.entries())
        for (const method of ['GET', 'HEAD']) {
          const { headers } = await app.manifest('team/app', `v${index}`, { method });
          expect([round, said, method, headers.get('content-type')]).toEqual([round, said, method, expected]);
        }
  });
});
