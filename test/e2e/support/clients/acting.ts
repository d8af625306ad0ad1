/** A client that logs in, pulls and pushes as one and then as another, without a word more than its users would type. */
import { join } from 'node:path';
import type { HostedStage } from '../hosted-stage.ts';
import type { Client, ClientKind, Credentials } from './client.ts';
import { containerd } from './containerd.ts';
import { docker } from './docker.ts';
import { skopeo } from './skopeo.ts';

/** Each throws an Error with all that the program wrote where it fails. */
export interface Acting {
  /** Undefined logs out. ctr does neither: it is told the credentials with every command. */
  login(credentials: Credentials | undefined): Promise<void>;
  pull(reference: string): Promise<void>;
  /** An image that it has, under this name. */
  push(reference: string): Promise<void>;
}

export const actingKinds: readonly ClientKind[] = [docker, skopeo, containerd];

/** @throws Error for a client that is not one of {@link actingKinds} */
export async function openActing(stage: HostedStage, kind: ClientKind): Promise<Acting> {
  const client = await stage.open(kind, `acting-${kind.name}`);
  const image = `${stage.sources.here}/bb:1`;
  await client.pull(image);
  switch (kind) {
    case docker:
      return actWithDocker(client, stage.server.host, image);
    case skopeo:
      return actWithSkopeo(client, stage, image);
    case containerd:
      return actWithContainerd(client, image);
    default:
      throw new Error(`${kind.title} does not act`);
  }
}

function actWithDocker(client: Client, host: string, image: string): Acting {
  return {
    async login(credentials) {
      if (credentials)
        await client.run('login', '-u', credentials.username, '-p', credentials.password, host);
      else await client.run('logout', host);
    },
    async pull(reference) {
      await client.run('pull', reference);
    },
    async push(reference) {
      await client.run('tag', image, reference);
      await client.run('push', reference);
    },
  };
}

function actWithSkopeo(client: Client, { directory, server }: HostedStage, image: string): Acting {
  const plain = '--tls-verify=false';
  const layout = `oci:${join(directory, 'acting')}:bb`;
  let copies = 0;
  let hasImage = false;
  // As it was opened. It says no to a second logout.
  let isLoggedIn = true;
  return {
    async login(credentials) {
      if (!hasImage) await client.run('copy', '-q', '--src-tls-verify=false', `docker://${image}`, layout);
      hasImage = true;
      if (credentials) {
        const { username, password } = credentials;
        await client.run('login', plain, '-u', username, '-p', password, server.host);
      } else if (isLoggedIn) await client.run('logout', server.host);
      isLoggedIn = credentials !== undefined;
    },
    async pull(reference) {
      copies += 1;
      const to = `dir:${join(directory, `acting-${copies}`)}`;
      await client.run('copy', '-q', '--src-tls-verify=false', `docker://${reference}`, to);
    },
    async push(reference) {
      await client.run('copy', '-q', '--dest-tls-verify=false', layout, `docker://${reference}`);
    },
  };
}

function actWithContainerd(client: Client, image: string): Acting {
  let access = ['--plain-http'];
  return {
    login: async (credentials) => {
      const user = credentials && ['--user', `${credentials.username}:${credentials.password}`];
      access = ['--plain-http', ...(user ?? [])];
    },
    async pull(reference) {
      await client.run('images', 'pull', ...access, '--all-platforms', '--snapshotter', 'native', reference);
    },
    async push(reference) {
      await client.run('images', 'tag', '--force', image, reference);
      await client.run('images', 'push', ...access, reference);
    },
  };
}
