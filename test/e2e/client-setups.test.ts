/** What is written for clients, used as it is, with every upstream stopped: what they pull, they pull from here. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type SetupClient, setupClients } from '../../src/management/setup/client-setups.ts';
import { freePort } from '../support/free-port.ts';
import { startContainerd } from './support/clients/containerd.ts';
import { startEngine } from './support/clients/docker.ts';
import { DockerRegistry } from './support/docker-registry.ts';
import { Entrepot, rootToken } from './support/entrepot.ts';
import { imagePrograms, images } from './support/images.ts';
import { missing, run } from './support/processes.ts';
import { digestAt } from './support/registry-content.ts';

/** By the client: the programs that it takes to try it, none where it cannot be tried on one machine. */
const programs: Partial<Record<SetupClient, readonly string[]>> = {
  docker: ['dockerd', 'docker'],
  dockerd: ['dockerd', 'docker'],
  containerd: ['containerd', 'ctr'],
  podman: ['podman'],
  crio: ['crio', 'crictl'],
  k3s: ['k3s'],
  kubernetes: ['kubectl'],
  kyverno: ['kyverno'],
  buildkit: ['buildkitd', 'buildctl'],
  skopeo: ['skopeo'],
};
const tried: readonly SetupClient[] = ['docker', 'dockerd', 'containerd', 'podman', 'skopeo'];
const image = 'library/alpine:latest';
/** Of whoever runs the commands. */
const env = { REGISTRY_USER: 'root', REGISTRY_TOKEN: rootToken };

const absent = new Map<SetupClient, readonly string[]>();
for (const client of setupClients) {
  const needed = programs[client] ?? ['a service that runs its jobs'];
  const lacking = await missing(...imagePrograms, ...needed);
  if (lacking.length > 0 || !tried.includes(client)) absent.set(client, lacking);
}
for (const [client, lacking] of absent)
  test.skip(`${client} (not run: ${lacking.join(', ') || 'a cluster'} not installed)`);
const isAbsent = (client: SetupClient) => absent.has(client);

describe.skipIf(absent.size === setupClients.length)('the set-up that is written', () => {
  const directory = mkdtempSync(join(tmpdir(), 'entrepot-e2e-'));
  const cleanups: (() => Promise<void>)[] = [];
  let server: Entrepot;
  let upstream: DockerRegistry;
  let digest: string;
  /** Virtual registries: with an anonymous mirror that stands for docker.io, without a mirror, and with one that asks for a login. */
  const [open, plain, closed] = [1, 2, 3] as const;

  const setup = async (client: SetupClient, registry: number): Promise<string> => {
    const path = `/virtual_registries/container/registries/${registry}/setup?client=${client}`;
    const headers = { 'private-token': rootToken };
    const answer = await fetch(`http://${server.host}/api/v4${path}`, { headers });
    expect(answer.status).toBe(200);
    return answer.text();
  };
  const written = (name: string, text: string): string => {
    const file = join(directory, name);
    writeFileSync(file, text);
    return file;
  };

  beforeAll(async () => {
    const storage = join(directory, 'storage');
    const source = await DockerRegistry.start({
      directory: join(directory, 'source'),
      storage: inject('imageStorage'),
    });
    upstream = await DockerRegistry.start({ directory: join(directory, 'upstream'), storage });
    const plainHttp = ['--src-tls-verify=false', '--dest-tls-verify=false'];
    const copy = (from: string, to: string) => run('skopeo', ['copy', '-q', '--all', ...plainHttp, from, to]);
    await copy(`docker://${source.host}/${images.oci}`, `docker://${upstream.host}/${image}`);
    await source.stop();
    digest = await digestAt(upstream.url, image);
    const mirrors = [
      {
        address: `127.0.0.1:${await freePort()}`,
        registry: open,
        anonymous: true,
        stands_for: ['docker.io'],
      },
      { address: `127.0.0.1:${await freePort()}`, registry: closed },
    ];
    const settings = { ENTREPOT_MIRRORS: JSON.stringify(mirrors) };
    server = await Entrepot.start({ directory: join(directory, 'server'), env: settings });
    cleanups.push(() => server.stop());
    expect([await server.createRegistry('plain'), await server.createRegistry('closed')]).toEqual([
      plain,
      closed,
    ]);
    const [id] = await server.setUpstreams(open, [{ url: upstream.url, name: 'upstream' }]);
    for (const registry of [plain, closed]) {
      const shared = { registry_id: registry, upstream_id: id };
      await server.rest('POST', '/virtual_registries/container/registry_upstreams', shared);
    }
    const reference = `docker://${server.host}/virtual_registries/container/${open}/${image}`;
    const login = ['--src-creds', `root:${rootToken}`];
    await run('skopeo', ['copy', '-q', ...plainHttp, ...login, reference, `dir:${join(directory, 'copy')}`]);
    await upstream.stop();
  });

  afterAll(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
    rmSync(directory, { recursive: true, force: true });
  });

  test.skipIf(isAbsent('docker'))('for docker logs in and pulls', async () => {
    const engine = await startEngine(join(directory, 'docker'), ['--insecure-registry', '127.0.0.0/8']);
    cleanups.push(engine.close);
    await run('sh', ['-ec', await setup('docker', plain)], { env: { ...env, ...engine.env } });
    const name = `${server.host}/virtual_registries/container/${plain}/library/alpine`;
    expect(await engine.docker('image', 'inspect', '--format', '{{.RepoDigests}}', name)).toContain(digest);
  });

  test.skipIf(isAbsent('dockerd'))('for dockerd pulls Docker Hub’s images without another name', async () => {
    const file = written('daemon.json', await setup('dockerd', open));
    const engine = await startEngine(join(directory, 'dockerd'), ['--config-file', file]);
    cleanups.push(engine.close);
    await engine.docker('pull', 'alpine');
    expect(await engine.docker('image', 'inspect', '--format', '{{.RepoDigests}}', 'alpine')).toContain(
      digest,
    );
  });

  test.skipIf(isAbsent('dockerd'))(
    'is no more than a host for dockerd, whose token is good for the image it names',
    async () => {
      const hosts = await setup('buildkit', closed);
      const mirror = /mirrors = \["(.*)"\]/.exec(hosts)?.[1];
      const home = join(directory, 'dockerd-login');
      mkdirSync(join(home, 'config'), { recursive: true });
      const auth = Buffer.from(`root:${rootToken}`).toString('base64');
      const auths = { 'https://index.docker.io/v1/': { auth } };
      writeFileSync(join(home, 'config/config.json'), JSON.stringify({ auths }));
      const engine = await startEngine(home, ['--registry-mirror', `http://${mirror}`]);
      cleanups.push(engine.close);
      await engine.docker('pull', 'library/alpine:latest');
      expect(await engine.docker('image', 'inspect', '--format', '{{.RepoDigests}}', 'alpine')).toContain(
        digest,
      );
    },
  );

  test.skipIf(isAbsent('containerd'))(
    'for containerd pulls by a mirror with ?ns=, with and without a login, and by a path',
    async () => {
      const { ctr, close } = await startContainerd(join(directory, 'containerd'));
      cleanups.push(close);
      for (const [registry, host] of [
        [open, 'docker.io'],
        [plain, upstream.host],
        [closed, upstream.host],
      ] as const) {
        const hosts = join(directory, `certs.d-${registry}`);
        await run('sh', ['-ec', await setup('containerd', registry)], { env: { ...env, CERTS_D: hosts } });
        const name = `${host}/${image}`;
        await ctr('images', 'pull', '--hosts-dir', hosts, '--snapshotter', 'native', name);
        const found = (await ctr('images', 'ls')).split('\n').find((line) => line.startsWith(`${name} `));
        expect(found).toContain(digest);
        await ctr('images', 'rm', '--sync', name);
      }
    },
  );

  test.skipIf(isAbsent('podman'))(
    'for podman, which CRI-O reads as well, pulls under the names that images have',
    async () => {
      const files = [
        written('podman.conf', await setup('podman', open)),
        written('crio.conf', await setup('crio', open)),
      ];
      for (const [index, file] of files.entries()) {
        const home = join(directory, `podman-${index}`);
        const store = ['--root', join(home, 'root'), '--runroot', join(home, 'run'), '--storage-driver=vfs'];
        const how = { env: { CONTAINERS_REGISTRIES_CONF: file } };
        const podman = (...args: string[]) =>
          run('podman', [...store, '--events-backend=file', ...args], how);
        await podman('pull', '-q', 'docker.io/library/alpine');
        expect(
          await podman('image', 'inspect', '--format', '{{.RepoDigests}}', 'docker.io/library/alpine'),
        ).toContain(digest);
      }
    },
  );

  test.skipIf(isAbsent('skopeo'))('for skopeo logs in and looks at an image', async () => {
    const authFile = { REGISTRY_AUTH_FILE: join(directory, 'auth.json') };
    const text = await run('sh', ['-ec', await setup('skopeo', plain)], { env: { ...env, ...authFile } });
    expect(text).toContain(digest);
  });
});
