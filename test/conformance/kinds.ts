/** What the suite is run for, on each database and each time on a server of its own. */
import { type Entrepot, rootToken } from '../e2e/support/entrepot.ts';
import { pushReadOnlyContent } from './read-only-content.ts';

export interface Kind {
  readonly name: string;
  readonly isLoginRequired: boolean;
  /** Makes the server ready. @returns the suite's settings */
  prepare(server: Entrepot): Promise<Record<string, string>>;
}

const group = 'conformance';
const repository = `${group}/repo1`;
const credentials = { username: 'root', password: rootToken };
const login = { OCI_USERNAME: credentials.username, OCI_PASSWORD: credentials.password };
const versions = {
  '1.1 with sparse manifests': { OCI_VERSION: '1.1', OCI_DATA_SPARSE: 'true' },
  'development version': { OCI_VERSION: 'dev' },
};
const readOnly = {
  OCI_VERSION: '1.1',
  OCI_API_PUSH: 'false',
  OCI_API_BLOBS_DELETE: 'false',
  OCI_API_MANIFESTS_DELETE: 'false',
  OCI_API_TAGS_DELETE: 'false',
};

/** Ways for a virtual registry to have the group's repositories behind it, and what an image's name is there. */
const upstreams = {
  'over HTTP': {
    attributesOf: ({ host }: Entrepot) => ({ url: `http://${host}`, name: 'hosted', ...credentials }),
    image: repository,
  },
  'in the same server': {
    attributesOf: () => ({ url: `entrepot:${group}`, name: 'hosted' }),
    image: 'repo1',
  },
};

export const kinds: readonly Kind[] = [
  ...Object.entries(versions).flatMap(([version, settings]) => [
    {
      name: `${version}, token authentication`,
      isLoginRequired: true,
      prepare: async () => ({ ...settings, ...login }),
    },
    { name: `${version}, no login`, isLoginRequired: false, prepare: async () => settings },
  ]),
  ...Object.entries(upstreams).map(([where, { attributesOf, image }]) => ({
    name: `read-only through a virtual registry, upstream ${where}`,
    isLoginRequired: true,
    async prepare(server: Entrepot) {
      const content = await pushReadOnlyContent(server, repository);
      const registry = await server.createRegistry('read-only', group);
      await server.setUpstreams(registry, [attributesOf(server)]);
      return {
        ...readOnly,
        ...login,
        ...content,
        OCI_REPO1: `virtual_registries/container/${registry}/${image}`,
      };
    },
  })),
];

/** With the projects that the suite pushes to, under the names that it takes by itself. */
export async function createProjects(server: Entrepot): Promise<void> {
  for (const project of ['repo1', 'repo2']) await server.createProject(`${group}/${project}`);
}
