import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { RefusedError } from '../../../../src/management/acting/refused-error.ts';
import { findSetup, type SetupClient, setupClients } from '../../../../src/management/setup/client-setups.ts';
import type { ConfiguredMirror } from '../../../../src/management/setup/setup-place.ts';

interface Given {
  readonly externalUrl?: string;
  readonly anonymousPull?: boolean;
  readonly upstreams?: readonly {
    readonly url: string;
    readonly stripPrefix?: string;
    readonly addPrefix?: string;
  }[];
  readonly mirrors?: readonly Partial<ConfiguredMirror>[];
  readonly hasTls?: boolean;
}

type SetupRecords = Parameters<typeof findSetup>[0];

const hub = { url: 'https://registry-1.docker.io' };

function setup(client: SetupClient, given: Given = {}): Promise<string | undefined> {
  const { anonymousPull = false, upstreams = [hub], mirrors = [], hasTls = false } = given;
  const records = {
    virtualRegistries: { find: async (id: number) => (id === 3 ? { id, anonymousPull } : undefined) },
    upstreams: { listByRegistry: async () => upstreams },
  } as unknown as SetupRecords;
  const { externalUrl = 'https://registry.example.com' } = given;
  const options = {
    hasTls,
    mirrors: mirrors.map((mirror) => ({ registry: 3, anonymous: false, standsFor: [], ...mirror })),
  };
  return findSetup(records, { registryId: 3, client, externalUrl }, options);
}

const repository = 'registry.example.com/virtual_registries/container/3';
const mirror = { host: 'mirror.example.com' };
const open = { ...mirror, anonymous: true };

describe('the set-up of a client', () => {
  test.each(setupClients)('is there for %s, with the names that images have here', async (client) => {
    const text = (await setup(client, { mirrors: [open] })) ?? '';
    expect(text).toMatch(/(registry|mirror)\.example\.com/);
    expect(text.endsWith('\n')).toBe(true);
  });

  test.each(setupClients)('of %s has no login where everyone may pull', async (client) => {
    const text = await setup(client, { anonymousPull: true, mirrors: [mirror] });
    expect(text).not.toMatch(/login|USER|TOKEN|auth/);
  });

  test('says of plain HTTP that it is', async () => {
    const http = { externalUrl: 'http://10.0.0.5:5000', anonymousPull: true };
    expect(await setup('skopeo', http)).toContain('inspect --tls-verify=false docker://10.0.0.5:5000/');
    expect(await setup('docker', http)).toContain('"insecure-registries": ["10.0.0.5:5000"]');
    expect(await setup('podman', http)).toContain('insecure = true');
    expect(await setup('buildkit', http)).toContain('[registry."10.0.0.5:5000"]\n  http = true');
    expect(await setup('containerd', http)).toContain('[host."http://10.0.0.5:5000/v2/');
    const own = { ...http, mirrors: [{ address: ':5010', anonymous: true }] };
    expect(JSON.parse((await setup('dockerd', own)) ?? '')).toEqual({
      'registry-mirrors': ['http://10.0.0.5:5010'],
      'insecure-registries': ['10.0.0.5:5010'],
    });
  });

  test('of a virtual registry that is not there is none', async () => {
    const records = { virtualRegistries: { find: async () => undefined } } as unknown as SetupRecords;
    const question = { registryId: 9, client: 'docker', externalUrl: 'https://a' } as const;
    expect(await findSetup(records, question, { mirrors: [], hasTls: false })).toBeUndefined();
  });
});

describe('dockerd', () => {
  test('gets a mirror at which everyone may pull, on the port of the server or its own', async () => {
    const at = async (given: Given) => JSON.parse((await setup('dockerd', given)) ?? '')['registry-mirrors'];
    expect(await at({ mirrors: [mirror, open] })).toEqual(['https://mirror.example.com']);
    expect(await at({ mirrors: [mirror], anonymousPull: true })).toEqual(['https://mirror.example.com']);
    const port = { mirrors: [open], externalUrl: 'https://r.example:8443' };
    expect(await at(port)).toEqual(['https://mirror.example.com:8443']);
    const own = { mirrors: [{ address: '127.0.0.1:5010', anonymous: true }], hasTls: true };
    expect(await at(own)).toEqual(['https://127.0.0.1:5010']);
  });

  test.each([
    ['no mirror', []],
    ['one that asks for a login', [mirror]],
    ['one of another virtual registry', [{ ...open, registry: 4 }]],
  ])('is told what is missing with %s', async (_, mirrors) => {
    const refusal = setup('dockerd', { mirrors });
    await expect(refusal).rejects.toThrow(RefusedError);
    await expect(refusal).rejects.toMatchObject({
      kind: 'conflict',
      detail: expect.stringContaining('mirrors'),
    });
  });
});

describe('images of several registries', () => {
  const upstreams = [
    hub,
    { url: 'https://ghcr.io' },
    { url: 'https://quay.io', stripPrefix: 'quay' },
    { url: 'https://harbor.example.com', stripPrefix: 'ours', addPrefix: 'team' },
    { url: 'entrepot:acme' },
  ];

  test('are told apart by paths: of those without one only the first registry’s, as the others are asked for them too', async () => {
    const text = (await setup('podman', { upstreams })) ?? '';
    const pairs = text.matchAll(/prefix = "(.*)"\n.*\n\n.*\nlocation = "(.*)"/g);
    expect([...pairs].map(([, from, to]) => [from, to])).toEqual([
      ['docker.io', repository],
      ['quay.io', `${repository}/quay`],
      ['harbor.example.com/team', `${repository}/ours`],
    ]);
    expect(await setup('crio', { upstreams })).toContain(text.slice(text.indexOf('[[registry]]')));
  });

  test.each(['containerd', 'buildkit', 'k3s'] as const)(
    'are told apart by ?ns= at a mirror, where %s sends it',
    async (client) => {
      const mirrors = [{ ...mirror, standsFor: ['index.docker.io', 'gcr.io'] }];
      const text = await setup(client, { upstreams, mirrors });
      for (const host of ['docker.io', 'gcr.io', 'ghcr.io', 'quay.io', 'harbor.example.com'])
        expect(text).toContain(host);
      expect(text).not.toContain('virtual_registries');
    },
  );

  test('are those that the mirror as a whole stands for', async () => {
    const mirrors = [{ ...mirror, standsFor: ['docker.io'] }];
    const text = await setup('podman', { upstreams: [{ url: 'https://harbor.example.com' }], mirrors });
    expect(text).toContain('prefix = "docker.io"');
    expect(text).toContain('[[registry.mirror]]\nlocation = "mirror.example.com"');
    expect(text).not.toContain('harbor');
  });

  test('are those of Docker Hub where all upstreams are on this server', async () => {
    expect(await setup('podman', { upstreams: [{ url: 'entrepot:acme' }] })).toContain(
      'prefix = "docker.io"',
    );
  });
});

test('containerd gets a directory for each registry, with the path where there is no mirror', async () => {
  const url = `https://registry.example.com/v2/virtual_registries/container/3`;
  expect(await setup('containerd')).toContain(
    [
      'mkdir -p "$certs_d/docker.io"',
      'cat > "$certs_d/docker.io/hosts.toml" <<EOF',
      'server = "https://registry-1.docker.io"',
      '',
      `[host."${url}"]`,
      '  capabilities = ["pull", "resolve"]',
      '  override_path = true',
      `  [host."${url}".header]`,
      '    authorization = "$authorization"',
      'EOF',
    ].join('\n'),
  );
  expect(await setup('containerd', { mirrors: [open] })).toContain(
    '[host."https://mirror.example.com"]\n  capabilities = ["pull", "resolve"]\nEOF',
  );
});

describe('files in YAML', () => {
  const yamlOf = async (client: SetupClient, given?: Given) => parse((await setup(client, given)) ?? '');

  test('let k3s rewrite names, or ask a mirror', async () => {
    expect(await yamlOf('k3s')).toEqual({
      mirrors: {
        'docker.io': {
          endpoint: ['https://registry.example.com'],
          rewrite: { '^(.*)$': 'virtual_registries/container/3/$1' },
        },
      },
      configs: { 'registry.example.com': { auth: { username: 'USERNAME', password: 'TOKEN' } } },
    });
    expect(await yamlOf('k3s', { mirrors: [open] })).toEqual({
      mirrors: { 'docker.io': { endpoint: ['https://mirror.example.com'] } },
    });
  });

  test('let Kyverno rewrite the names of all containers, as their images are called in full', async () => {
    const upstreams = [hub, { url: 'https://quay.io', stripPrefix: 'quay' }];
    const policy = await yamlOf('kyverno', { upstreams });
    expect(policy.spec.rules.map(({ name }: { name: string }) => name)).toEqual([
      'containers-of-docker-io',
      'initcontainers-of-docker-io',
      'containers-of-quay-io',
      'initcontainers-of-quay-io',
    ]);
    const [foreach] = policy.spec.rules[3].mutate.foreach;
    expect(foreach.list).toBe('request.object.spec.initContainers[]');
    expect(foreach.preconditions.all[0].value).toBe('quay.io');
    const { image } = foreach.patchStrategicMerge.spec.initContainers[0];
    const [, pattern = '', by = ''] = /'(\^[^']*)', images.*, '([^']*)'/.exec(image) ?? [];
    const named = 'quay.io/prometheus/busybox@sha256:1'.replace(new RegExp(pattern), by);
    expect(named).toBe(`${repository}/quay/prometheus/busybox@sha256:1`);
    expect('quayXio/a').not.toMatch(new RegExp(pattern));
  });

  test('let jobs name images in full, and secrets by their names', async () => {
    expect(await yamlOf('gitlab-ci')).toEqual({ default: { image: `${repository}/library/alpine` } });
    expect(await setup('gitlab-ci')).toContain('{"auths": {"registry.example.com": {"auth": "AUTH"}}}');
    const { jobs } = await yamlOf('github-actions');
    expect(jobs.try.container.image).toBe(`${repository}/library/alpine`);
    expect(jobs.try.container.credentials.password).toBe(['$', '{{ secrets.REGISTRY_TOKEN }}'].join(''));
  });
});
