import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { writeBusyboxContext } from '../images.ts';
import { run } from '../processes.ts';
import { type Client, type ClientKind, type Credentials, digestIn, digestsOf } from './client.ts';

const runs = 'runs what it pulled';
const otherArchitecture = 'pulls another architecture of an index';

async function openPodman(
  directory: string,
  host: string,
  { username, password }: Credentials,
): Promise<Client> {
  mkdirSync(directory, { recursive: true });
  const store = [
    '--root',
    join(directory, 'root'),
    '--runroot',
    join(directory, 'run'),
    '--storage-driver=vfs',
  ];
  const podman = (...args: readonly string[]) =>
    run(
      'podman',
      [...store, '--cgroup-manager=cgroupfs', '--events-backend=file', '--runtime', 'runc', ...args],
      {
        env: { REGISTRY_AUTH_FILE: join(directory, 'auth.json') },
      },
    );
  await podman('login', '--tls-verify=false', '-u', username, '-p', password, host);
  return {
    run: podman,
    async pull(reference) {
      await podman('pull', '-q', '--tls-verify=false', reference);
      const digests = await podman('image', 'inspect', '--format', '{{join .RepoDigests "\\n"}}', reference);
      return digestsOf(reference, digests);
    },
    async push(repository) {
      const context = writeBusyboxContext(join(directory, 'context'), 'built by podman');
      const image = 'localhost/built:1';
      await podman('build', '-q', '--isolation', 'chroot', '-t', image, context);
      const pushed = [];
      for (const [tag, format] of [
        ['oci', 'oci'],
        ['schema2', 'v2s2'],
      ] as const) {
        const file = join(directory, 'digest');
        const how = ['-q', '--tls-verify=false', '--format', format, '--digestfile', file];
        await podman('push', ...how, image, `${repository}:${tag}`);
        pushed.push({ tag, digest: digestIn(readFileSync(file, 'utf8')) });
      }
      return pushed;
    },
    async copy(from, to) {
      await podman('pull', '-q', '--tls-verify=false', from);
      await podman('push', '-q', '--tls-verify=false', from, to);
    },
    deeds: {
      [runs]: async (reference) => {
        const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];
        const said = await podman(
          'run',
          '--rm',
          '--network',
          'none',
          '--pull=never',
          ...limits,
          reference,
          '/bin/sh',
          '-c',
          'echo pulled',
        );
        expect(said).toBe('pulled\n');
      },
      [otherArchitecture]: async (reference) => {
        const index = reference.replace('/bb:', '/multi:');
        await podman('pull', '-q', '--tls-verify=false', '--arch', 'arm64', index);
        expect(await podman('image', 'inspect', '--format', '{{.Architecture}}', index)).toBe('arm64\n');
      },
    },
    close: () => Promise.resolve(),
  };
}

export const podman: ClientKind = {
  title: 'podman',
  name: 'podman',
  programs: ['podman', 'runc'],
  deeds: [runs, otherArchitecture],
  open: openPodman,
};
