/** Every kind of credential that the server knows, for a project and whoever may push to it. */
import { Credentials, type TestToken, testPassword } from '../../support/credentials.ts';
import type { Credentials as Login } from './clients/client.ts';
import { type Entrepot, rootToken } from './entrepot.ts';

export function credentialsAt({ host }: Entrepot): Credentials {
  return new Credentials({
    api: (method, path, body) =>
      fetch(`http://${host}/api/v4${path}`, {
        method,
        headers: { 'private-token': rootToken, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      }),
  });
}

export function loginOf({ username, secret }: Pick<TestToken, 'username' | 'secret'>): Login {
  return { username, password: secret };
}

/** What each kind is called, and one of it. All may push to team/project, and `reads` may only pull from it. */
export async function everyKind(server: Entrepot): Promise<ReadonlyMap<string, KindOfCredential>> {
  const credentials = credentialsAt(server);
  const { id: project } = await credentials.call<{ id: number }>('GET', '/projects/team%2Fproject');
  const [dana, rita] = [await credentials.user('dana'), await credentials.user('rita')];
  await credentials.member('groups', 'team', dana, 'Developer');
  await credentials.member('projects', project, rita, 'Reporter');
  const both = ['read_registry', 'write_registry'];
  const read = ['read_registry'];
  const kinds: [string, TestToken | Login, TestToken | Login][] = [
    [
      'a password',
      { username: 'dana', password: testPassword },
      { username: 'rita', password: testPassword },
    ],
    [
      'a personal access token',
      await credentials.personalToken('dana', dana, both),
      await credentials.personalToken('dana', dana, read),
    ],
    [
      'a group access token',
      await credentials.accessToken('groups', 'team', 'Developer', both),
      await credentials.accessToken('groups', 'team', 'Developer', read),
    ],
    [
      'a project access token',
      await credentials.accessToken('projects', project, 'Developer', both),
      await credentials.accessToken('projects', project, 'Reporter', both),
    ],
    [
      'a deploy token of the group',
      await credentials.deployToken('groups', 'team', both),
      await credentials.deployToken('groups', 'team', read),
    ],
    [
      'a deploy token of the project',
      await credentials.deployToken('projects', project, both, 'ship-it'),
      await credentials.deployToken('projects', project, read),
    ],
    [
      'a job token',
      await credentials.jobToken(project, { user_id: dana }),
      await credentials.jobToken(project, { user_id: rita }),
    ],
  ];
  return new Map(
    kinds.map(([name, writes, reads]) => [name, { writes: asLogin(writes), reads: asLogin(reads) }]),
  );
}

export interface KindOfCredential {
  readonly writes: Login;
  readonly reads: Login;
}

function asLogin(each: TestToken | Login): Login {
  return 'secret' in each ? loginOf(each) : each;
}
