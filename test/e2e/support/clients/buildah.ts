import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { buildahStore } from '../images.ts';
import { run } from '../processes.ts';
import { type Client, type ClientKind, type Credentials, digestIn } from './client.ts';

const builds = 'builds FROM an image of the registry';

async function openBuildah(
  directory: string,
  _host: string,
  { username, password }: Credentials,
): Promise<Client> {
  mkdirSync(directory, { recursive: true });
  const buildah = (...args: readonly string[]) => run('buildah', [...buildahStore(directory), ...args]);
  const plain = '--tls-verify=false';
  const access = [plain, '--creds', `${username}:${password}`];
  const build = async (image: string, tag: string) => {
    const file = join(directory, 'Containerfile');
    writeFileSync(file, `FROM ${image}\nRUN /bin/busybox echo built > /built\n`);
    await buildah('bud', '-q', ...access, '--isolation', 'chroot', '-f', file, '-t', tag, directory);
  };
  return {
    run: buildah,
    async pull(reference) {
      const pulled = (await buildah('pull', '-q', ...access, reference)).trim();
      // Its own commands show an index's child only; its store remembers both.
      const images: readonly { readonly id: string }[] = JSON.parse(
        readFileSync(join(directory, 'root/vfs-images/images.json'), 'utf8'),
      );
      const image = images.find(({ id }) => id === pulled);
      return JSON.stringify(image ?? {}).match(/sha256:[0-9a-f]{64}/g) ?? [];
    },
    async push(repository, { elsewhere, here }) {
      const file = join(directory, 'digest');
      const how = [...access, '--digestfile', file];
      const digest = () => digestIn(readFileSync(file, 'utf8'));
      await build(`${here}/bb:1`, 'localhost/pushed:1');
      await buildah('push', '-q', ...how, 'localhost/pushed:1', `docker://${repository}:built`);
      const built = { tag: 'built', digest: digest() };
      await buildah('manifest', 'create', 'all');
      await buildah('manifest', 'add', ...access, '--all', 'all', `docker://${elsewhere}/multi:1`);
      await buildah('manifest', 'push', '-q', ...how, '--all', 'all', `docker://${repository}:index`);
      return [built, { tag: 'index', digest: digest() }];
    },
    async copy(from, to) {
      await buildah('pull', '-q', ...access, from);
      await buildah('push', '-q', ...access, from, `docker://${to}`);
    },
    deeds: {
      [builds]: async (reference) => {
        await build(reference, 'built:1');
        const container = (await buildah('from', '--pull-never', 'localhost/built:1')).trim();
        expect(
          await buildah('run', '--isolation', 'chroot', container, '/bin/busybox', 'cat', '/built'),
        ).toBe('built\n');
      },
    },
    close: () => Promise.resolve(),
  };
}

export const buildah: ClientKind = {
  title: 'buildah',
  name: 'buildah',
  programs: ['buildah'],
  deeds: [builds],
  open: openBuildah,
};
