import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { bytesBlob, fakeArtifact, fakeImage, fakeIndex, seededBlob } from '../support/fake-content.ts';
import { createProject, Pusher } from '../support/pushing.ts';

const configOf = (architecture: string, created: string) =>
  bytesBlob(
    JSON.stringify({
      created,
      author: 'Ada',
      os: 'linux',
      architecture,
      config: { Labels: { 'org.opencontainers.image.version': '1.4.0' } },
      history: [
        { created, created_by: 'COPY . .' },
        { created_by: 'ENV A=1', empty_layer: true },
      ],
    }),
  );
const common = seededBlob(1000, 1);
const amd = fakeImage({ config: configOf('amd64', '2026-02-01T08:00:00Z'), layers: [common] });
const arm = fakeImage({
  config: configOf('arm64', '2026-02-02T08:00:00Z'),
  layers: [common, seededBlob(500, 2)],
});
const index = fakeIndex({ manifests: [amd, arm], annotations: { team: 'shop' } });

async function pathOf(app: TestApp, project: number): Promise<string> {
  const repositories = `/projects/${project}/registry/repositories`;
  const [repository] = await jsonOf<{ id: number }[]>(await app.api('GET', repositories));
  return `${repositories}/${repository?.id}/tags`;
}

describeApp('the image of a tag', (start) => {
  test('has the fields that the documents say', async () => {
    await using app = await start();
    const project = await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.image(amd, 'v1');
    const sbom = fakeArtifact(amd, 'application/spdx+json');
    await pusher.blob('{}');
    await pusher.manifest(sbom, sbom.digest);
    const answer = await app.api('GET', `${await pathOf(app, project)}/v1/image`);
    expect(answer.status).toBe(200);
    const config = {
      digest: amd.config?.digest,
      media_type: 'application/vnd.oci.image.config.v1+json',
      size: amd.config?.size,
    };
    const platform = { os: 'linux', architecture: 'amd64', variant: null, os_version: null };
    const total = 1000 + (amd.config?.size ?? 0);
    const path = 'acme/shop:v1';
    expect(await answer.json()).toEqual({
      name: 'v1',
      path,
      location: `${new URL(app.url).host}/${path}`,
      digest: amd.digest,
      media_type: amd.mediaType,
      artifact_type: config.media_type,
      created_at: '2026-02-01T08:00:00.000Z',
      total_size: total,
      annotations: {},
      platforms: [
        {
          ...platform,
          digest: amd.digest,
          media_type: amd.mediaType,
          size: amd.payload.length,
          total_size: total,
          created_at: '2026-02-01T08:00:00.000Z',
        },
      ],
      image: {
        digest: amd.digest,
        platform,
        created_at: '2026-02-01T08:00:00.000Z',
        author: 'Ada',
        config,
        config_state: 'read',
        labels: { 'org.opencontainers.image.version': '1.4.0' },
        annotations: {},
        layers: [
          {
            digest: common.digest,
            media_type: 'application/vnd.oci.image.layer.v1.tar+gzip',
            size: 1000,
            annotations: {},
          },
        ],
        history: [
          {
            created_at: '2026-02-01T08:00:00.000Z',
            created_by: 'COPY . .',
            comment: null,
            empty_layer: false,
          },
          { created_at: null, created_by: 'ENV A=1', comment: null, empty_layer: true },
        ],
      },
      referrers: [
        {
          digest: sbom.digest,
          media_type: sbom.mediaType,
          size: sbom.payload.length,
          artifact_type: 'application/spdx+json',
          kind: 'sbom',
          found_by: 'subject',
          tag: null,
          annotations: {},
        },
      ],
    });
  });

  test('of an index has its platforms, and shows the one that is asked for', async () => {
    await using app = await start();
    const project = await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    for (const image of [amd, arm]) await pusher.image(image);
    await pusher.manifest(index, 'v1');
    const path = `${await pathOf(app, project)}/v1/image`;
    // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever comes back
    const body = await jsonOf<any>(await app.api('GET', path));
    const sizes = [amd, arm].map((image) => image.config?.size ?? 0);
    expect(body).toMatchObject({
      created_at: '2026-02-02T08:00:00.000Z',
      annotations: { team: 'shop' },
      total_size: 1500 + (sizes[0] ?? 0) + (sizes[1] ?? 0),
      platforms: [
        { os: 'linux', architecture: 'amd64', digest: amd.digest, total_size: 1000 + (sizes[0] ?? 0) },
        { os: 'linux', architecture: 'arm64', digest: arm.digest, total_size: 1500 + (sizes[1] ?? 0) },
      ],
      image: { digest: amd.digest, labels: { 'org.opencontainers.image.version': '1.4.0' } },
    });
    for (const [platform, digest] of [
      ['linux/amd64', amd.digest],
      ['linux/arm64', arm.digest],
    ])
      expect(await jsonOf(await app.api('GET', `${path}?platform=${platform}`))).toMatchObject({
        image: { digest },
      });
    const missing = await app.api('GET', `${path}?platform=linux/arm`);
    expect([missing.status, await missing.json()]).toEqual([404, { message: '404 Platform Not Found' }]);
  });

  test('is for those who may pull, and none where there is no such tag', async () => {
    await using app = await start();
    const project = await createProject(app, 'acme/shop');
    await new Pusher(app, 'acme/shop').image(amd, 'v1');
    const path = await pathOf(app, project);
    const absent = await app.api('GET', `${path}/v2/image`);
    expect([absent.status, await absent.json()]).toEqual([404, { message: '404 Tag Not Found' }]);
    const stranger = await app.api('POST', '/users', { username: 'eve', name: 'Eve' });
    const { id } = await jsonOf<{ id: number }>(stranger);
    const made = await app.api('POST', `/users/${id}/personal_access_tokens`, {
      name: 'test',
      scopes: ['read_api'],
    });
    const { token } = await jsonOf<{ token: string }>(made);
    const hidden = await app.api('GET', `${path}/v1/image`, undefined, { 'private-token': token });
    expect([hidden.status, await hidden.json()]).toEqual([404, { message: '404 Project Not Found' }]);
  });

  test('is shown as it was pushed, manifest and config, to those who may pull', async () => {
    await using app = await start();
    const project = await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.image(amd, 'v1');
    const artifact = fakeArtifact(amd, 'application/spdx+json');
    await pusher.blob('{}');
    await pusher.manifest(artifact, artifact.digest);
    const tags = await pathOf(app, project);
    const manifests = tags.replace(/tags$/, 'manifests');
    const manifest = await app.api('GET', `${manifests}/${amd.digest}`);
    expect(manifest.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await manifest.text()).toBe(amd.payload.toString());
    const config = await app.api('GET', `${manifests}/${amd.digest}/config`);
    expect(config.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await config.json()).toMatchObject({ author: 'Ada', architecture: 'amd64' });
    expect(await (await app.api('GET', `${manifests}/${artifact.digest}/config`)).text()).toBe('{}');
    const absent = [`${index.digest}`, `${index.digest}/config`, 'v1', 'sha256:1'];
    for (const path of absent)
      expect([path, (await app.api('GET', `${manifests}/${path}`)).status]).toEqual([path, 404]);
    const anonymous = await app.api('GET', `${manifests}/${amd.digest}`, undefined, { 'private-token': '' });
    expect([401, 404]).toContain(anonymous.status);
  });

  test('says who pushed it last to those who are signed in', async () => {
    await using app = await start();
    const project = await createProject(app, 'acme/shop', { visibility: 'public' });
    await new Pusher(app, 'acme/shop').image(amd, 'v1');
    const path = `${await pathOf(app, project)}/v1`;
    expect(await jsonOf(await app.api('GET', path))).toMatchObject({ last_published_by: 'root' });
    expect(await jsonOf(await fetch(`${app.url}/api/v4${path}`))).toMatchObject({ last_published_by: null });
  });
});
