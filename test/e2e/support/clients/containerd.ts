/** containerd, by its `ctr`: told the host of each image, or told that the registry is a mirror. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, start } from '../processes.ts';
import { type Client, type ClientKind, type Credentials, digestIn } from './client.ts';

/** A daemon of its own. */
export async function startContainerd(directory: string) {
  mkdirSync(directory, { recursive: true });
  const socket = join(directory, 'containerd.sock');
  const folders = `root = "${directory}/root"\nstate = "${directory}/state"\n`;
  const plugins = 'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n';
  writeFileSync(
    join(directory, 'config.toml'),
    `version = 2\n${folders}${plugins}[grpc]\n  address = "${socket}"\n`,
  );
  const ctr = (...args: readonly string[]) => run('ctr', ['-a', socket, ...args]);
  const daemon = await start('containerd', ['-c', join(directory, 'config.toml')], {
    logFile: join(directory, 'containerd.log'),
    isReady: async () => (await ctr('version')) !== '',
  });
  return { ctr, close: () => daemon.stop() };
}

async function openContainerd(
  directory: string,
  { username, password }: Credentials,
  how: readonly string[],
): Promise<Client> {
  const { ctr, close } = await startContainerd(directory);
  const access = [...how, '--user', `${username}:${password}`];
  const digestsOf = async (reference: string) =>
    (await ctr('images', 'ls'))
      .split('\n')
      .filter((line) => line.startsWith(`${reference} `))
      .map(digestIn);
  const pull = async (reference: string) => {
    await ctr('images', 'pull', ...access, '--all-platforms', '--snapshotter', 'native', reference);
    return digestsOf(reference);
  };
  const copy = async (from: string, to: string) => {
    await pull(from);
    await ctr('images', 'tag', '--force', from, to);
    await ctr('images', 'push', ...access, to);
  };
  return {
    run: ctr,
    pull,
    copy,
    async push(repository, { elsewhere, here }) {
      const pushed = [];
      // The bytes of the first are uploaded, those of the second mounted.
      for (const [tag, image] of [
        ['uploaded', `${elsewhere}/multi:1`],
        ['mounted', `${here}/schema2:1`],
      ] as const) {
        const reference = `${repository}:${tag}`;
        await copy(image, reference);
        for (const digest of await digestsOf(reference)) pushed.push({ tag, digest });
      }
      return pushed;
    },
    close,
  };
}

/** `hosts.toml` that sends docker.io, and one made-up host per further virtual registry, to the server. */
function writeMirrors(directory: string, host: string): string[] {
  for (const [name, id] of Object.entries(mirrored)) {
    const folder = join(directory, 'certs.d', name);
    mkdirSync(folder, { recursive: true });
    const mirror = `[host."http://${host}/v2/virtual_registries/container/${id}"]`;
    const how = '  capabilities = ["pull", "resolve"]\n  override_path = true\n';
    writeFileSync(join(folder, 'hosts.toml'), `server = "https://${name}"\n${mirror}\n${how}`);
  }
  return ['--hosts-dir', join(directory, 'certs.d')];
}

const mirrored = { 'docker.io': 1, 'second.invalid': 2, 'third.invalid': 3 };
const programs = ['containerd', 'ctr'];

export const containerd: ClientKind = {
  title: 'containerd',
  name: 'containerd',
  programs,
  open: (directory, _host, credentials) => openContainerd(directory, credentials, ['--plain-http']),
};

export const containerdWithMirror: ClientKind = {
  title: 'containerd with the server as a mirror (override_path)',
  name: 'containerd-mirror',
  programs,
  referenceOf: (registry, image) => {
    const id = Number(registry.split('/').at(-1));
    const name = Object.entries(mirrored).find(([, mirroredId]) => mirroredId === id)?.[0];
    return `${name}/${image}`;
  },
  open: (directory, host, credentials) =>
    openContainerd(directory, credentials, writeMirrors(directory, host)),
};
