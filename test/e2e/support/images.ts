/** Images made without a network, in the storage of a docker-registry that is stopped again. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DockerRegistry } from './docker-registry.ts';
import { run } from './processes.ts';

/** Repository and tag at the upstream of each image. */
export const images = {
  oci: 'library/bb:1',
  schema2: 'library/schema2:1',
  umoci: 'team/deep/umoci:v1',
  index: 'library/multi:1',
} as const;

export const imagePrograms = ['docker-registry', 'buildah', 'umoci', 'skopeo', 'busybox'];

/** @returns the storage folder for {@link DockerRegistry} */
export async function makeImages(directory: string): Promise<string> {
  const storage = join(directory, 'images');
  const registry = await DockerRegistry.start({ directory, storage });
  try {
    await pushBusybox(registry.host, join(directory, 'buildah'));
    await pushUmoci(registry.host, join(directory, 'umoci'));
  } finally {
    await registry.stop();
  }
  return storage;
}

async function pushBusybox(host: string, directory: string): Promise<void> {
  const context = writeBusyboxContext(join(directory, 'context'), 'an image');
  const at = (image: string) => `${host}/${image}`;
  const buildah = (...args: string[]) => run('buildah', [...buildahStore(directory), ...args]);
  const plain = '--tls-verify=false';

  await buildah('bud', '-q', '--isolation', 'chroot', '-t', at(images.oci), context);
  await buildah('push', '-q', plain, at(images.oci));
  await buildah(
    'bud',
    '-q',
    '--isolation',
    'chroot',
    '--format',
    'docker',
    '-t',
    at(images.schema2),
    context,
  );
  await buildah('push', '-q', plain, at(images.schema2));

  const container = (await buildah('from', 'scratch')).trim();
  const mounted = (await buildah('mount', container)).trim();
  writeFileSync(join(mounted, 'hi'), 'from another architecture\n');
  await buildah('umount', container);
  await buildah('config', '--arch', 'arm64', '--os', 'linux', container);
  const other = at('library/other:arm64');
  await buildah('commit', '-q', '--format', 'docker', container, other);
  await buildah('push', '-q', plain, other);

  await buildah('manifest', 'create', 'both');
  await buildah('manifest', 'add', plain, 'both', `docker://${at(images.oci)}`);
  await buildah('manifest', 'add', plain, 'both', `docker://${other}`);
  await buildah('manifest', 'push', plain, '--all', 'both', `docker://${at(images.index)}`);
}

/**
 * What to build a busybox image from.
 * @param mark makes it an image of its own
 * @returns the directory
 */
export function writeBusyboxContext(directory: string, mark: string): string {
  mkdirSync(directory, { recursive: true });
  copyFileSync('/bin/busybox', join(directory, 'busybox'));
  writeFileSync(join(directory, 'mark'), `${mark}\n`);
  const lines = [
    'FROM scratch',
    'COPY mark /mark',
    'COPY busybox /bin/busybox',
    'COPY busybox /bin/sh',
    'ENV PATH=/bin',
    'CMD ["/bin/sh"]',
  ];
  writeFileSync(join(directory, 'Containerfile'), `${lines.join('\n')}\n`);
  return directory;
}

async function pushUmoci(host: string, directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const umoci = (...args: string[]) => run('umoci', args, { cwd: directory });
  await umoci('init', '--layout', 'oci');
  await umoci('new', '--image', 'oci:base');
  await umoci('unpack', '--image', 'oci:base', 'bundle');
  copyFileSync('/bin/busybox', join(directory, 'bundle/rootfs/sh'));
  await umoci('repack', '--image', 'oci:v1', 'bundle');
  await umoci(
    'config',
    '--image',
    'oci:v1',
    '--config.cmd',
    '/sh',
    '--architecture',
    'amd64',
    '--os',
    'linux',
  );
  await run(
    'skopeo',
    ['copy', '-q', '--dest-tls-verify=false', 'oci:oci:v1', `docker://${host}/${images.umoci}`],
    { cwd: directory },
  );
}

export function buildahStore(directory: string): string[] {
  return ['--root', join(directory, 'root'), '--runroot', join(directory, 'run'), '--storage-driver=vfs'];
}
