import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { buildahStore } from './support/images.ts';
import { run } from './support/processes.ts';
import { type Client, type Credentials, pullSuite } from './support/pull-suite.ts';

const builds = 'builds FROM an image of the virtual registry';

async function openBuildah(
  directory: string,
  _host: string,
  { username, password }: Credentials,
): Promise<Client> {
  mkdirSync(directory, { recursive: true });
  const buildah = (...args: string[]) => run('buildah', [...buildahStore(directory), ...args]);
  const access = ['--tls-verify=false', '--creds', `${username}:${password}`];
  return {
    async pull(reference) {
      await buildah('pull', '-q', ...access, reference);
      // Its own commands show an index's child only; its store remembers both.
      return (
        readFileSync(join(directory, 'root/vfs-images/images.json'), 'utf8').match(/sha256:[0-9a-f]{64}/g) ??
        []
      );
    },
    deeds: {
      [builds]: async (reference) => {
        const file = join(directory, 'Containerfile');
        writeFileSync(file, `FROM ${reference}\nRUN /bin/busybox echo built > /built\n`);
        await buildah(
          'bud',
          '-q',
          ...access,
          '--isolation',
          'chroot',
          '-f',
          file,
          '-t',
          'built:1',
          directory,
        );
        const container = (await buildah('from', '--pull-never', 'localhost/built:1')).trim();
        expect(
          await buildah('run', '--isolation', 'chroot', container, '/bin/busybox', 'cat', '/built'),
        ).toBe('built\n');
      },
    },
    close: () => Promise.resolve(),
  };
}

await pullSuite({ title: 'buildah', programs: ['buildah'], deeds: [builds], open: openBuildah });
