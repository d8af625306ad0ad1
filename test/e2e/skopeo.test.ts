import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { run } from './support/processes.ts';
import { type Client, type Credentials, pullSuite } from './support/pull-suite.ts';

const lists = 'lists the tags';

async function openSkopeo(
  directory: string,
  host: string,
  { username, password }: Credentials,
): Promise<Client> {
  mkdirSync(directory, { recursive: true });
  const env = { REGISTRY_AUTH_FILE: join(directory, 'auth.json') };
  const skopeo = (...args: string[]) => run('skopeo', args, { env });
  await skopeo('login', '--tls-verify=false', '-u', username, '-p', password, host);
  let copies = 0;
  return {
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

await pullSuite({ title: 'skopeo', programs: ['skopeo'], deeds: [lists], open: openSkopeo });
