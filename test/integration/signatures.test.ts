import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { bytesBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createProject, createUser, Pusher } from '../support/pushing.ts';
import { signed, signedManifests } from '../support/signed-images.ts';

const ofRegistry = '/virtual_registries/container/registries/1/signature_policy';
const image = 'team/app';
const trusted = { cosign_keys: [{ name: 'release', public_key: signed.public_key }] };
const others = { cosign_keys: [{ name: 'other', public_key: signed.other_key }] };

describeApp('images that have to be signed', (start) => {
  test('are let in through a virtual registry where cosign signed them, by its tag, a bundle or their index', async () => {
    await using upstream = await signedUpstream();
    await using app = await start({ upstreams: [upstream] });
    await setPolicy(app, { mode: 'enforce', ...trusted });
    for (const digest of [signed.tagged, signed.bundled, signed.index, signed.child])
      expect(await statusOf(app, digest)).toBe(200);
    const refused = await app.manifest(image, signed.unsigned);
    expect(refused.status).toBe(403);
    expect(await jsonOf(refused)).toMatchObject({
      errors: [{ code: 'DENIED', message: expect.stringContaining('is not signed') }],
    });
    expect(await app.metrics()).toContain(
      'entrepot_admission_verdicts_total{policy="signatures",verdict="refused"} 1',
    );
  });

  test('are refused by tag as by digest, for HEAD as for GET, and their child where the index was not seen', async () => {
    await using upstream = await signedUpstream();
    upstream.repository(image).tag('v1', signed.unsigned);
    upstream.repository(image).tag('v2', signed.tagged);
    await using app = await start({ upstreams: [upstream] });
    await setPolicy(app, { mode: 'enforce', ...trusted });
    expect(await statusOf(app, 'v1')).toBe(403);
    expect(await statusOf(app, 'v1', 'HEAD')).toBe(403);
    expect(await statusOf(app, 'v2', 'HEAD')).toBe(200);
    expect(await statusOf(app, signed.child)).toBe(403);
    await statusOf(app, signed.index);
    app.advance(60_000);
    expect(await statusOf(app, signed.child)).toBe(200);
  });

  test('are asked for once: a warm pull asks nobody', async () => {
    await using upstream = await signedUpstream();
    await using app = await start({ upstreams: [upstream] });
    await setPolicy(app, { mode: 'enforce', ...trusted });
    await statusOf(app, signed.tagged);
    upstream.forgetRequests();
    for (let pull = 0; pull < 3; pull += 1) expect(await statusOf(app, signed.tagged)).toBe(200);
    expect(upstream.requests).toEqual([]);
  });

  test('are refused by the key of another, and let in once that is trusted', async () => {
    await using upstream = await signedUpstream();
    await using app = await start({ upstreams: [upstream] });
    await setPolicy(app, { mode: 'enforce', ...others });
    for (const digest of [signed.tagged, signed.bundled, signed.index])
      expect(await (await app.manifest(image, digest)).text()).toContain('by none of the trusted keys');
    await setPolicy(app, { mode: 'enforce', cosign_keys: [...others.cosign_keys, ...trusted.cosign_keys] });
    for (const digest of [signed.tagged, signed.bundled, signed.index])
      expect(await statusOf(app, digest)).toBe(200);
    await setPolicy(app, { mode: 'enforce', ...others });
    expect(await statusOf(app, signed.tagged)).toBe(403);
    expect((await app.api('DELETE', ofRegistry)).status).toBe(204);
    expect(await statusOf(app, signed.tagged)).toBe(200);
  });

  test('are let in with a warning where a policy warns, and without one where it is off', async () => {
    await using upstream = await signedUpstream();
    await using app = await start({ upstreams: [upstream] });
    await setPolicy(app, { mode: 'warn', ...trusted });
    for (let pull = 0; pull < 2; pull += 1) {
      const answer = await app.manifest(image, signed.unsigned);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('warning')).toMatch(/^299 - "sha256:.* is not signed/);
    }
    expect((await app.manifest(image, signed.tagged)).headers.get('warning')).toBeNull();
    await setPolicy(app, { mode: 'off', ...trusted });
    expect((await app.manifest(image, signed.unsigned)).headers.get('warning')).toBeNull();
  });

  test('are refused where a signature was taken from another image, or its payload was changed', async () => {
    await using upstream = await signedUpstream();
    const repository = upstream.repository(image);
    const tagOf = (digest: string) => `${digest.replace(':', '-')}.sig`;
    const signature = signedManifests().find(({ tag }) => tag !== undefined)?.manifest;
    if (!signature) throw new Error('no signature');
    repository.push(signature, tagOf(signed.unsigned));
    const changed = bytesBlob(
      (signed.blobs[signature.layers[0]?.digest ?? ''] ?? '').replace(
        'cosign container',
        'cosign  container',
      ),
    );
    const payload = Buffer.from(
      signature.payload
        .toString()
        .replace(
          /("size":)\d+(,"digest":")sha256:[0-9a-f]+(","annotations")/,
          `$1${changed.size}$2${changed.digest}$3`,
        ),
    );
    const forged = bytesBlob(payload.toString());
    expect(changed.digest).not.toBe(signature.layers[0]?.digest);
    repository.push(
      { ...signature, payload, digest: forged.digest, layers: [changed] },
      tagOf(signed.tagged),
    );
    await using app = await start({ upstreams: [upstream] });
    await setPolicy(app, { mode: 'enforce', ...trusted });
    expect(await (await app.manifest(image, signed.unsigned)).text()).toContain('is of another image');
    const forgedAnswer = await app.manifest(image, signed.tagged);
    expect(forgedAnswer.status).toBe(403);
    expect(await forgedAnswer.text()).toContain('by none of the trusted keys');
  });

  test('are refused while nobody can say whether they are signed', async () => {
    await using upstream = await signedUpstream();
    await using app = await start({ upstreams: [upstream] });
    expect(await statusOf(app, signed.bundled)).toBe(200);
    await setPolicy(app, { mode: 'enforce', ...trusted });
    upstream.fault({ kind: 'referrers' }, { status: 503 });
    upstream.fault({ reference: signed.bundled.replace(':', '-') }, { status: 503 });
    const refused = await app.manifest(image, signed.bundled);
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain('its signatures cannot be read');
  });

  test('and what verifies them can be pulled, though nobody signed it', async () => {
    await using upstream = await signedUpstream();
    const hidden = bytesBlob('\u001f\u008b no JSON');
    const signature = signedManifests().find(({ tag }) => tag !== undefined);
    if (!signature) throw new Error('no signature');
    const { manifest, tag = '' } = signature;
    const payload = Buffer.from(
      manifest.payload.toString().replaceAll(manifest.layers[0]?.digest ?? '', hidden.digest),
    );
    const disguised = bytesBlob(payload.toString()).digest;
    upstream.repository(image).push({ ...manifest, payload, digest: disguised, layers: [hidden] });
    await using app = await start({ upstreams: [upstream] });
    await setPolicy(app, { mode: 'enforce', ...trusted });
    expect(await statusOf(app, tag)).toBe(200);
    expect(await statusOf(app, disguised)).toBe(403);
  });

  test('are let in from a project by its own policy; who pushes there gets them with a warning, to sign them', async () => {
    await using app = await start();
    const id = await createProject(app, 'acme/shop', { visibility: 'public' });
    const pusher = new Pusher(app, 'acme/shop');
    for (const { manifest, tag } of signedManifests()) await pusher.image(manifest, tag ?? manifest.digest);
    const ofProject = `/projects/${id}/signature_policy`;
    expect((await app.api('PUT', ofProject, { mode: 'enforce', ...trusted })).status).toBe(200);
    const reader = new Pusher(app, 'acme/shop', await createUser(app, 'rita'));
    for (const digest of [signed.tagged, signed.bundled, signed.index, signed.child])
      expect((await reader.ask('GET', `manifests/${digest}`)).status).toBe(200);
    const refused = await reader.ask('GET', `manifests/${signed.unsigned}`);
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain('is not signed');
    const developer = new Pusher(app, 'acme/shop', await createUser(app, 'dev', ['acme']));
    const warned = await developer.ask('GET', `manifests/${signed.unsigned}`);
    expect(warned.status).toBe(200);
    expect(warned.headers.get('warning')).toContain('is not signed');
  });

  test('need what can be trusted: keys in PEM, and a root for identities', async () => {
    await using app = await start();
    const put = async (body: object) => {
      const answer = await app.api('PUT', ofRegistry, body);
      return [answer.status, await answer.text()];
    };
    expect(await put({ mode: 'enforce' })).toEqual([400, expect.stringContaining('a key or an identity')]);
    const noKey = { cosign_keys: [{ name: 'k', public_key: 'none' }] };
    expect(await put({ mode: 'warn', ...noKey })).toEqual([400, expect.stringContaining('no public key')]);
    const someone = { identities: [{ issuer: 'https://a.test', subject: '*@a.test' }] };
    expect(await put({ mode: 'warn', ...someone })).toEqual([400, expect.stringContaining('trusted_root')]);
    expect(await put({ mode: 'warn', ...someone, trusted_root: '{' })).toEqual([
      400,
      expect.stringContaining('no trusted root'),
    ]);
    expect((await app.api('GET', ofRegistry)).status).toBe(404);
  });
});

async function signedUpstream() {
  const upstream = await new FakeRegistry().start();
  for (const { manifest, tag } of signedManifests()) upstream.repository(image).push(manifest, tag);
  return upstream;
}

async function setPolicy(app: TestApp, policy: object): Promise<void> {
  const answer = await app.api('PUT', ofRegistry, policy);
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
}

async function statusOf(app: TestApp, reference: string, method = 'GET'): Promise<number> {
  return (await app.manifest(image, reference, { method })).status;
}
