import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { run } from './support/processes.ts';
import { type Client, type Credentials, pullSuite } from './support/pull-suite.ts';

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
  const podman = (...args: string[]) =>
    run(
      'podman',
      [...store, '--cgroup-manager=cgroupfs', '--events-backend=file', '--runtime', 'runc', ...args],
      {
        env: { REGISTRY_AUTH_FILE: join(directory, 'auth.json') },
      },
    );
  await podman('login', '--tls-verify=false', '-u', username, '-p', password, host);
  return {
    async pull(reference) {
      await podman('pull', '-q', '--tls-verify=false', reference);
      const digests = await podman('image', 'inspect', '--format', '{{join .RepoDigests "\\n"}}', reference);
      return digests
        .trim()
        .split('\n')
        .map((line) => line.split('@')[1] ?? '');
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

await pullSuite({
  title: 'podman',
  programs: ['podman', 'runc'],
  deeds: [runs, otherArchitecture],
  open: openPodman,
});
