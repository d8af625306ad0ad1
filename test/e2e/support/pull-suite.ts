/** What every client must be able to pull through the server: with its upstreams up, and from a fresh store with them gone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Client, ClientKind } from './clients/client.ts';
import { isInstalled } from './clients/installed.ts';
import { DockerRegistry, type UpstreamAuth, upstreamUser } from './docker-registry.ts';
import { Entrepot, rootToken } from './entrepot.ts';
import { images } from './images.ts';
import { digestAt } from './registry-content.ts';

const upstreamAuths: readonly UpstreamAuth[] = ['open', 'htpasswd', 'token'];

export async function pullSuite(kind: ClientKind): Promise<void> {
  if (!(await isInstalled(kind, 'pulls through a virtual registry'))) return;
  const storage = inject('imageStorage');

  describe(`${kind.title} through a virtual registry`, () => {
    const directory = mkdtempSync(join(tmpdir(), 'entrepot-e2e-'));
    const upstreams = new Map<UpstreamAuth, DockerRegistry>();
    const registries = new Map<UpstreamAuth, number>();
    const cleanups: (() => Promise<void>)[] = [];
    const openClient = async (name: string): Promise<Client> => {
      const client = await kind.open(join(directory, name), server.host, {
        username: 'root',
        password: rootToken,
      });
      cleanups.push(() => client.close());
      return client;
    };
    const referenceOf = (auth: UpstreamAuth, image: string) => {
      const registry = `${server.host}/virtual_registries/container/${registries.get(auth)}`;
      return kind.referenceOf?.(registry, image) ?? `${registry}/${image}`;
    };
    let server: Entrepot;
    let client: Client;
    /** By the image's name at the upstream. */
    const digests = new Map<string, string>();

    beforeAll(async () => {
      server = await Entrepot.start({
        directory: join(directory, 'server'),
        // The token service of the third upstream is at another port of it, without TLS.
        env: { ENTREPOT_UPSTREAMS__TOKEN_HOSTS: '127.0.0.1=127.0.0.1' },
      });
      cleanups.push(() => server.stop());
      for (const auth of upstreamAuths) {
        const upstream = await DockerRegistry.start({ directory: join(directory, auth), storage, auth });
        upstreams.set(auth, upstream);
        cleanups.push(() => upstream.stop());
        const id = auth === 'open' ? 1 : await server.createRegistry(auth);
        registries.set(auth, id);
        await server.setUpstreams(id, [
          { url: upstream.url, name: auth, ...(auth !== 'open' && upstreamUser) },
        ]);
      }
      for (const image of Object.values(images)) {
        digests.set(image, await digestAt(upstreams.get('open')?.url ?? '', image));
      }
      client = await openClient('first');
    });

    afterAll(async () => {
      for (const cleanup of cleanups.reverse()) await cleanup();
      rmSync(directory, { recursive: true, force: true });
    });

    const pullAs = async (puller: Client, image: string, auth: UpstreamAuth = 'open') =>
      expect(await puller.pull(referenceOf(auth, image))).toContain(digests.get(image));
    const pullByDigest = async (puller: Client, image: string) => {
      const digest = digests.get(image);
      const known = await puller.pull(referenceOf('open', `${image.split(':')[0]}@${digest}`));
      expect(known).toContain(digest);
    };

    const named = Object.entries(images).map(([name, image]) => ({ name, image }));
    test.each(named)('pulls the $name image by tag', ({ image }) => pullAs(client, image));

    test.each(named)('pulls the $name image by digest', ({ image }) => pullByDigest(client, image));

    test.each(upstreamAuths.slice(1))('pulls from an upstream that asks for credentials (%s)', (auth) =>
      pullAs(client, images.index, auth),
    );

    test.each(kind.deeds ?? [])('%s', async (deed) => {
      await client.deeds?.[deed]?.(referenceOf('open', images.oci));
    });

    test('pulls everything into a fresh store once every upstream is stopped', async () => {
      for (const upstream of upstreams.values()) await upstream.stop();
      const fresh = await openClient('fresh');
      for (const image of Object.values(images)) {
        await pullAs(fresh, image);
        await pullByDigest(fresh, image);
      }
      for (const auth of upstreamAuths) await pullAs(fresh, images.index, auth);
    });
  });
}
