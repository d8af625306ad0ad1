/** Docker Engine: a daemon of its own beside whatever the machine has; loopback registries need no TLS. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { writeBusyboxContext } from '../images.ts';
import { run, start } from '../processes.ts';
import { type Client, type ClientKind, type Credentials, digestIn, digestsOf } from './client.ts';

const runs = 'runs what it pulled';
const builds = 'builds FROM an image of the registry, with and without BuildKit';

/** A daemon of its own. @param settings further arguments */
export async function startEngine(directory: string, settings: readonly string[]) {
  mkdirSync(directory, { recursive: true });
  const socket = `unix://${directory}/docker.sock`;
  const env = { DOCKER_HOST: socket, DOCKER_CONFIG: join(directory, 'config') };
  const docker = (...args: readonly string[]) => run('docker', args, { env });
  const folders = ['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec')];
  const network = ['--iptables=false', '--ip6tables=false', '--bridge=none'];
  const daemon = await start(
    'dockerd',
    [...folders, ...network, ...settings, '-H', socket, '--pidfile', join(directory, 'pid')],
    {
      logFile: join(directory, 'dockerd.log'),
      isReady: async () => (await docker('version')) !== '',
    },
  );
  return { env, docker, close: () => daemon.stop() };
}

async function openEngine(
  directory: string,
  host: string,
  { username, password }: Credentials,
): Promise<Client> {
  const { env, docker, close } = await startEngine(directory, ['--insecure-registry', '127.0.0.0/8']);
  const build = (buildkit: string, ...args: readonly string[]) =>
    run('docker', ['build', '--network', 'none', ...args], { env: { ...env, DOCKER_BUILDKIT: buildkit } });
  await docker('login', '-u', username, '-p', password, host);
  return {
    run: docker,
    async pull(reference) {
      await docker('pull', reference);
      const digests = await docker('image', 'inspect', '--format', '{{join .RepoDigests "\\n"}}', reference);
      return digestsOf(reference, digests);
    },
    async push(repository) {
      const pushed = [];
      for (const [tag, buildkit] of [
        ['built', '0'],
        ['buildkit', '1'],
      ] as const) {
        const context = writeBusyboxContext(join(directory, tag), `built by docker (${tag})`);
        const reference = `${repository}:${tag}`;
        await build(buildkit, '-f', join(context, 'Containerfile'), '-t', reference, context);
        pushed.push({ tag, digest: digestIn(await docker('push', reference)) });
      }
      return pushed;
    },
    async copy(from, to) {
      await docker('pull', from);
      await docker('tag', from, to);
      await docker('push', to);
    },
    deeds: {
      [runs]: async (reference) => {
        expect(
          await docker('run', '--rm', '--network', 'none', reference, '/bin/sh', '-c', 'echo pulled'),
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
          await docker('image', 'rm', '-f', reference);
          const tag = `built:${buildkit}`;
          await build(buildkit, '-t', tag, context);
          expect(await docker('run', '--rm', '--network', 'none', tag, '/bin/busybox', 'cat', '/built')).toBe(
            'built\n',
          );
        }
      },
    },
    close,
  };
}

export const docker: ClientKind = {
  title: 'Docker Engine',
  name: 'docker',
  programs: ['dockerd', 'docker', 'runc'],
  deeds: [runs, builds],
  open: openEngine,
};
