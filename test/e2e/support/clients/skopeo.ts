import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.ts';
import { run } from '../processes.ts';
import { type Client, type ClientKind, type Credentials, digestIn } from './client.ts';

const lists = 'lists the tags';

async function openSkopeo(
  directory: string,
  host: string,
  { username, password }: Credentials,
): Promise<Client> {
  mkdirSync(directory, { recursive: true });
  const env = { REGISTRY_AUTH_FILE: join(directory, 'auth.json') };
  const skopeo = (...args: readonly string[]) => run('skopeo', args, { env });
  await skopeo('login', '--tls-verify=false', '-u', username, '-p', password, host);
  let copies = 0;
  return {
    run: skopeo,
    async pull(reference) {
      copies += 1;
      await skopeo(
        'copy',
        '-q',
        '--all',
        '--src-tls-verify=false',
        `docker://${reference}`,
        `dir:${directory}/${copies}`,
      );
      const raw = await skopeo('inspect', '--raw', '--tls-verify=false', `docker://${reference}`);
      return [digestOf(Buffer.from(raw))];
    },
    async push(repository, { elsewhere }) {
      const file = join(directory, 'digest');
      const plain = ['-q', '--src-tls-verify=false', '--dest-tls-verify=false', '--digestfile', file];
      const pushed = [];
      for (const [tag, image, ...how] of [
        ['index', 'multi:1', '--all'],
        ['converted', 'bb:1', '--format', 'v2s2'],
        ['oci', 'bb:1'],
      ] as const) {
        await skopeo(
          'copy',
          ...plain,
          ...how,
          `docker://${elsewhere}/${image}`,
          `docker://${repository}:${tag}`,
        );
        pushed.push({ tag, digest: digestIn(readFileSync(file, 'utf8')) });
      }
      return pushed;
    },
    async copy(from, to) {
      const plain = ['-q', '--src-tls-verify=false', '--dest-tls-verify=false'];
      await skopeo('copy', ...plain, '--all', `docker://${from}`, `docker://${to}`);
    },
    deeds: {
      [lists]: async (reference) => {
        const repository = reference.slice(0, reference.lastIndexOf(':'));
        expect(
          JSON.parse(await skopeo('list-tags', '--tls-verify=false', `docker://${repository}`)),
        ).toMatchObject({ Tags: ['1'] });
      },
    },
    close: () => Promise.resolve(),
  };
}

export const skopeo: ClientKind = {
  title: 'skopeo',
  name: 'skopeo',
  programs: ['skopeo'],
  deeds: [lists],
  open: openSkopeo,
};
