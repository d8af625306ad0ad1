import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, start } from './support/processes.ts';
import { type Client, type Credentials, pullSuite } from './support/pull-suite.ts';

async function openContainerd(
  directory: string,
  { username, password }: Credentials,
  how: readonly string[],
): Promise<Client> {
  mkdirSync(directory, { recursive: true });
  const socket = join(directory, 'containerd.sock');
  const folders = `root = "${directory}/root"\nstate = "${directory}/state"\n`;
  const plugins = 'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n';
  writeFileSync(
    join(directory, 'config.toml'),
    `version = 2\n${folders}${plugins}[grpc]\n  address = "${socket}"\n`,
  );
  const ctr = (...args: string[]) => run('ctr', ['-a', socket, ...args]);
  const daemon = await start('containerd', ['-c', join(directory, 'config.toml')], {
    logFile: join(directory, 'containerd.log'),
    isReady: async () => (await ctr('version')) !== '',
  });
  return {
    async pull(reference) {
      await ctr(
        'images',
        'pull',
        ...how,
        '--all-platforms',
        '--snapshotter',
        'native',
        '--user',
        `${username}:${password}`,
        reference,
      );
      const lines = (await ctr('images', 'ls')).split('\n');
      return lines
        .filter((line) => line.startsWith(`${reference} `))
        .map((line) => /sha256:[0-9a-f]{64}/.exec(line)?.[0] ?? '');
    },
    close: () => daemon.stop(),
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

await pullSuite({
  title: 'containerd',
  programs,
  open: (directory, _host, credentials) => openContainerd(directory, credentials, ['--plain-http']),
});

await pullSuite({
  title: 'containerd with the server as a mirror (override_path)',
  programs,
  referenceOf: (registry, image) => {
    const id = Number(registry.split('/').at(-1));
    const name = Object.entries(mirrored).find(([, mirroredId]) => mirroredId === id)?.[0];
    return `${name}/${image}`;
  },
  open: (directory, host, credentials) =>
    openContainerd(directory, credentials, writeMirrors(directory, host)),
});
