/** Who lets everyone pull what is private is told so, whatever the change is; and an administrator can forbid it. */
import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { bearerOf } from '../support/bearer.ts';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { fakeImage } from '../support/fake-content.ts';
import { createProject, Pusher } from '../support/pushing.ts';

const image = fakeImage();

/** A registry of the group acme, and a private project in it that has an image. */
async function prepare(app: TestApp) {
  const projectId = await createProject(app, 'acme/shop');
  await new Pusher(app, 'acme/shop/web').image(image, '1');
  const registries = '/groups/acme/-/virtual_registries/container/registries';
  const { id } = await jsonOf<{ id: number }>(await app.api('POST', registries, { name: 'acme' }));
  const registry = `/virtual_registries/container/registries/${id}`;
  const addUpstream = () =>
    app.api('POST', `${registry}/upstreams`, { name: 'shop', url: 'entrepot:acme/shop' });
  const setAnonymous = (anonymous_pull: boolean) => app.api('PATCH', registry, { anonymous_pull });
  const pullAsNobody = async () => {
    const name = `virtual_registries/container/${id}/web`;
    const headers = { authorization: await bearerOf(app.url, undefined, `repository:${name}:pull`) };
    return (await fetch(`${app.url}/v2/${name}/manifests/1`, { headers })).status;
  };
  const setVisibility = (visibility: string) => app.api('PUT', `/projects/${projectId}`, { visibility });
  const rename = (kind: 'groups' | 'projects', from: string, path: string) =>
    app.api('PUT', `/${kind}/${encodeURIComponent(from)}`, { path });
  return { id, addUpstream, setAnonymous, setVisibility, rename, pullAsNobody };
}

const warning = /^299 - "everyone may pull what is not public in acme\/shop through virtual registry \d+/;

describeApp('a virtual registry with anonymous pulls and a local upstream', (start) => {
  test('warns of what it shows to everyone, in any order, and the audit trail has it', async () => {
    await using app = await start();
    const { id, addUpstream, setAnonymous, setVisibility, pullAsNobody } = await prepare(app);
    expect((await addUpstream()).headers.get('warning')).toBeNull();
    expect((await setAnonymous(true)).headers.get('warning')).toMatch(warning);
    expect(await pullAsNobody()).toBe(200);
    expect((await setVisibility('public')).headers.get('warning')).toBeNull();
    expect((await setVisibility('private')).headers.get('warning')).toMatch(warning);
    const events = await jsonOf<object[]>(await app.api('GET', '/audit_events?per_page=100'));
    const told = events.filter((event) => JSON.stringify(event).includes('virtual_registry.expose'));
    expect(told).toHaveLength(2);
    expect(JSON.stringify(told)).toContain(String(id));
  });

  test('warns where the upstream comes last', async () => {
    await using app = await start();
    const { addUpstream, setAnonymous } = await prepare(app);
    expect((await setAnonymous(true)).headers.get('warning')).toBeNull();
    expect((await addUpstream()).headers.get('warning')).toMatch(warning);
  });

  test('warns again where what it shows is renamed', async () => {
    await using app = await start();
    const { addUpstream, setAnonymous, rename } = await prepare(app);
    await addUpstream();
    await setAnonymous(true);
    expect((await rename('projects', 'acme/shop', 'store')).headers.get('warning')).toContain('acme/store');
    expect((await rename('groups', 'acme', 'ace')).headers.get('warning')).toContain('ace/store');
  });

  test('shows only what is public where an administrator says so', async () => {
    await using app = await start({
      environment: { ENTREPOT_VIRTUAL_REGISTRIES__ANONYMOUS_PRIVATE: 'false' },
    });
    const { addUpstream, setAnonymous, setVisibility, pullAsNobody } = await prepare(app);
    await addUpstream();
    await setAnonymous(true);
    expect(await pullAsNobody()).toBe(404);
    await setVisibility('public');
    expect(await pullAsNobody()).toBe(200);
    await setVisibility('private');
    expect(await pullAsNobody()).toBe(404);
  });
});
