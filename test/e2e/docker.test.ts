import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { run, start } from './support/processes.ts';
import { type Client, type Credentials, pullSuite } from './support/pull-suite.ts';

const runs = 'runs what it pulled';
const builds = 'builds FROM an image of the virtual registry, with and without BuildKit';

/** A daemon of its own beside whatever the machine has; loopback registries need no TLS. */
async function openEngine(
  directory: string,
  host: string,
  { username, password }: Credentials,
): Promise<Client> {
  mkdirSync(directory, { recursive: true });
  const socket = `unix://${directory}/docker.sock`;
  const env = { DOCKER_HOST: socket, DOCKER_CONFIG: join(directory, 'config') };
  const docker = (args: readonly string[], more: Record<string, string> = {}) =>
    run('docker', args, { env: { ...env, ...more } });
  const folders = ['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec')];
  const network = [
    '--iptables=false',
    '--ip6tables=false',
    '--bridge=none',
    '--insecure-registry',
    '127.0.0.0/8',
  ];
  const daemon = await start(
    'dockerd',
    [...folders, ...network, '-H', socket, '--pidfile', join(directory, 'pid')],
    {
      logFile: join(directory, 'dockerd.log'),
      isReady: async () => (await docker(['version'])) !== '',
      readyMs: 60_000,
    },
  );
  await docker(['login', '-u', username, '-p', password, host]);
  return {
    async pull(reference) {
      await docker(['pull', reference]);
      const digests = await docker([
        'image',
        'inspect',
        '--format',
        '{{join .RepoDigests "\\n"}}',
        reference,
      ]);
      return digests
        .trim()
        .split('\n')
        .map((line) => line.split('@')[1] ?? '');
    },
    deeds: {
      [runs]: async (reference) => {
        expect(
          await docker(['run', '--rm', '--network', 'none', reference, '/bin/sh', '-c', 'echo pulled']),
        ).toBe('pulled\n');
      },
      [builds]: async (reference) => {
        const context = join(directory, 'context');
        mkdirSync(context);
        writeFileSync(
          join(context, 'Dockerfile'),
          `FROM ${reference}\nRUN /bin/busybox echo built > /built\n`,
        );
        for (const buildkit of ['0', '1']) {
          await docker(['image', 'rm', '-f', reference]);
          const tag = `built:${buildkit}`;
          await docker(['build', '--network', 'none', '-t', tag, context], { DOCKER_BUILDKIT: buildkit });
          expect(
            await docker(['run', '--rm', '--network', 'none', tag, '/bin/busybox', 'cat', '/built']),
          ).toBe('built\n');
        }
      },
    },
    close: () => daemon.stop(),
  };
}

await pullSuite({
  title: 'Docker Engine',
  programs: ['dockerd', 'docker', 'runc'],
  deeds: [runs, builds],
  open: openEngine,
});
