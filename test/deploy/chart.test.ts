/** The Helm chart: what it renders is valid, what would lose data is refused, and what its pods run is a server that pulls. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { run } from '../e2e/support/processes.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createDatabase } from '../support/postgres-database.ts';
import { createBucket, s3SettingsOf } from '../support/s3-bucket.ts';
import { s3Keys, startStorageServer } from '../support/storage-servers/servers.ts';
import { chart, containerOf, find, kubernetesVersions, manifestsOf, podOf, render } from './support/chart.ts';
import { root, rootToken, runContainer, startContainer } from './support/container.ts';
import { addImage, addUpstream, expectPull } from './support/pulling.ts';
import { findBucketServer, findHelm, findValidator } from './support/tools.ts';

const found = await findHelm();
const helm = 'path' in found ? found.path : '';
const absent = 'missing' in found ? [found.missing] : [];
const testWithHelm = test.skipIf(absent.length > 0);
const directory = mkdtempSync(join(tmpdir(), 'entrepot-chart-'));
afterAll(() => rmSync(directory, { recursive: true }));

const secret = (key: string) => ({ name: 'entrepot-secrets', key });
const shared = {
  replicas: 2,
  secrets: { ENTREPOT_SECRET_KEY: secret('key'), ENTREPOT_DATABASE__URL: secret('database') },
};
const onVolume = { ...shared, persistence: { accessModes: ['ReadWriteMany'], storageClass: 'nfs' } };
/** As an installation of several pods begins. */
const onBucket = parse(readFileSync(join(chart, 'values.replicas.yaml'), 'utf8'));
const everything = {
  ...onVolume,
  config: { http: { external_url: 'https://registry.example.com' }, cache: { max_bytes: '1TiB' } },
  image: { repository: 'registry.example.com/entrepot', digest: `sha256:${'0'.repeat(64)}` },
  ingress: { enabled: true, className: 'nginx', hosts: ['registry.example.com'], tlsSecret: 'registry-tls' },
  gateway: { enabled: true, parentRefs: [{ name: 'public' }], hosts: ['registry.example.com'] },
  autoscaling: { enabled: true },
  serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
  prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
  dashboards: { enabled: true },
  networkPolicy: { enabled: true, operationsFrom: [{ namespaceSelector: {} }] },
  podLabels: { team: 'platform' },
  podAnnotations: { note: 'x' },
  nodeSelector: { disk: 'ssd' },
  tolerations: [{ key: 'registry', operator: 'Exists' }],
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' },
  ],
  priorityClassName: 'high',
};
const valueSets = {
  'as it stands': {},
  'on a volume that all mount': onVolume,
  'on a bucket': { ...onBucket, secretFiles: ['bucket-key'] },
  'with everything': everything,
};

if (absent.length > 0) console.log(`the chart is not looked at: ${absent.join(', ')}`);

testWithHelm.each(Object.entries(valueSets))('the chart is sound %s', async (_name, values) => {
  const file = join(directory, 'values.json');
  writeFileSync(file, JSON.stringify(values));
  await run(helm, ['lint', '--strict', '--kube-version', '1.33.0', '--values', file, chart]);
});

const validator = await findValidator();
const validation = 'path' in validator ? validator.path : '';
if ('missing' in validator) console.log(`what the chart renders is not validated: ${validator.missing}`);
/** What Kubernetes itself does not know, so that it has no schema of it. */
const ownKinds = new Set(['HTTPRoute', 'ServiceMonitor', 'PrometheusRule']);

test
  .skipIf(absent.length > 0 || validation === '')
  .each(
    Object.entries(valueSets).flatMap(([name, values]) =>
      kubernetesVersions.map((version) => [name, version, values] as const),
    ),
  )('what the chart renders %s is valid for Kubernetes %s', async (_name, version, values) => {
  const text = await render({ helm, values, version });
  const known = text
    .split(/^---$/m)
    .filter((part) => manifestsOf(part).some(({ kind }) => !ownKinds.has(kind)));
  const file = join(directory, 'rendered.yaml');
  writeFileSync(file, known.join('---\n'));
  const env = { PYTHONPATH: join(validation, '../..') };
  await run('python3', [validation, '--strict', '-k', version, file], { env });
});

testWithHelm.each([
  ['several pods on SQLite', { replicas: 2 }, 'several pods need PostgreSQL'],
  [
    'several pods that autoscaling makes, on SQLite',
    { autoscaling: { enabled: true } },
    'several pods need PostgreSQL',
  ],
  ['several pods, each with blobs of its own', { ...shared, replicas: 3 }, 'several pods need blobs'],
  [
    'PostgreSQL without a key that all pods have',
    { secrets: { ENTREPOT_DATABASE__URL: secret('database') } },
    'every pod needs the same key',
  ],
  ['SQLite without a volume', { persistence: { enabled: false } }, 'go with the pod'],
  ['a driver that there is not', { config: { storage: { driver: 'swift' } } }, 'driver'],
  ['S3 without a bucket', { config: { storage: { driver: 's3', s3: { region: 'x' } } } }, 'bucket'],
  ['a container without an account', { config: { storage: { driver: 'azure', azure: {} } } }, 'account_name'],
  ['a file of secrets that is no name', { secretFiles: ['a/b'] }, 'secretFiles'],
  ['a value that there is not', { replica: 2 }, 'replica'],
  ['a secret that is none', { secrets: { ENTREPOT_SECRET_KEY: 'abc' } }, 'ENTREPOT_SECRET_KEY'],
  ['a digest that is none', { image: { digest: 'latest' } }, 'digest'],
  ['an ingress without hosts', { ingress: { enabled: true } }, 'hosts'],
  ['a route without a gateway', { gateway: { enabled: true } }, 'parentRefs'],
  ['no pods', { replicas: 0 }, 'replicas'],
  ['a size that is none', { persistence: { size: 'much' } }, 'size'],
])('the chart refuses %s, and says why', async (_name, values, reason) => {
  await expect(render({ helm, values })).rejects.toThrow(reason);
});

testWithHelm('pods are nobody in particular, and write where they must alone', async () => {
  for (const values of Object.values(valueSets)) {
    const manifests = manifestsOf(await render({ helm, values, args: ['--is-upgrade'] }));
    for (const kind of ['Deployment', 'Job'] as const) {
      const pod = podOf(manifests, kind);
      if (pod === undefined) continue;
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(pod.automountServiceAccountToken).toBe(false);
      for (const { securityContext } of pod.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  }
});

testWithHelm('no secret is in what is rendered', async () => {
  const manifests = manifestsOf(await render({ helm, values: everything }));
  expect(find(manifests, 'Secret')).toBeUndefined();
  const env = podOf(manifests, 'Deployment')?.containers[0]?.env ?? [];
  expect(env.filter(({ valueFrom }) => valueFrom).map(({ name }) => name)).toEqual(
    Object.keys(shared.secrets).toSorted(),
  );
});

testWithHelm(
  'a roll-out takes no pod away before another is there, and SQLite is never one of two',
  async () => {
    const strategyOf = async (values: object) =>
      find(manifestsOf(await render({ helm, values })), 'Deployment')?.spec?.strategy;
    expect(await strategyOf({})).toEqual({ type: 'Recreate' });
    expect(await strategyOf(onVolume)).toMatchObject({ rollingUpdate: { maxUnavailable: 0 } });
  },
);

testWithHelm('pods that share their records reach each other where nobody else does', async () => {
  const text = await render({ helm, values: { ...onVolume, networkPolicy: { enabled: true } } });
  expect(podOf(manifestsOf(text), 'Deployment')?.containers[0]?.env).toContainEqual({
    name: 'ENTREPOT_CLUSTER__ADDRESS',
    value: '0.0.0.0:5002',
  });
  expect(find(manifestsOf(text), 'NetworkPolicy')?.spec).toMatchObject({
    ingress: [{ ports: [{ port: 'http' }] }, { from: [{ podSelector: {} }], ports: [{ port: 'cluster' }] }],
  });
  expect(await render({ helm, values: {} })).not.toContain('5002');
});

testWithHelm('a volume is asked for where something stays with the pods', async () => {
  const claimOf = async (values: object) => {
    const manifests = manifestsOf(await render({ helm, values }));
    const [data] = podOf(manifests, 'Deployment')?.volumes.filter(({ name }) => name === 'data') ?? [];
    return [find(manifests, 'PersistentVolumeClaim') !== undefined, data && 'persistentVolumeClaim' in data];
  };
  expect(await claimOf({})).toEqual([true, true]);
  expect(await claimOf(onVolume)).toEqual([true, true]);
  // Records in SQLite, though blobs are not.
  expect(await claimOf({ config: onBucket.config })).toEqual([true, true]);
  expect(await claimOf(onBucket)).toEqual([false, false]);
});

const bases = [
  ['deploy/kustomize/entrepot.yaml', {}, ''],
  ['deploy/kustomize/replicas/entrepot.yaml', onBucket, ' --values deploy/helm/values.replicas.yaml'],
] as const;

testWithHelm.each(bases)('the Kustomize base %s is what the chart renders', async (path, values, options) => {
  const again = `helm template entrepot deploy/helm --kube-version 1.33.0${options} > ${path}`;
  expect(readFileSync(join(root, path), 'utf8'), `render it again: ${again}`).toBe(
    await render({ helm, values }),
  );
});

testWithHelm('what a pod runs as the chart stands is a server that pulls, and keeps its data', async () => {
  await using upstream = await new FakeRegistry().start();
  const pulled = addImage(upstream);
  const container = containerOf(manifestsOf(await render({ helm, values: {} })), 'Deployment');
  const withToken = { ...container, env: { ...container.env, ENTREPOT_ROOT_TOKEN: rootToken } };
  const home = join(directory, 'alone');
  const first = await startContainer(withToken, home);
  await addUpstream(first.url, upstream.url);
  await expectPull(first.url, pulled);
  expect((await fetch(`${first.operationsUrl}/metrics`)).status).toBe(200);
  await first.program.stop();
  await upstream.stop();
  const second = await startContainer(container, home);
  await expectPull(second.url, pulled, pulled.digest);
  await second.program.stop();
});

/** As the file of settings has them. */
function settingsOfBucket(endpoint: string) {
  const { bucket, region } = s3SettingsOf(endpoint);
  return { bucket, region, region_endpoint: endpoint, path_style: true };
}

const postgres = process.env['TEST_POSTGRES_URL'];
if (postgres === undefined)
  console.log('pods that share PostgreSQL are not started: TEST_POSTGRES_URL names none');

const bucketServer = await findBucketServer();
const withoutBucket = 'missing' in bucketServer ? [bucketServer.missing] : [];
if (withoutBucket.length > 0) console.log(`pods that share a bucket are not started: ${withoutBucket}`);

test.skipIf(absent.length > 0 || postgres === undefined || withoutBucket.length > 0)(
  'what two pods run beside each other on a bucket pulls once, after the job that brings the database up to date',
  async () => {
    await using upstream = await new FakeRegistry().start();
    const pulled = addImage(upstream);
    const database = await createDatabase(postgres ?? '');
    const s3 = await startStorageServer('versitygw', { directory: join(directory, 's3') });
    try {
      await createBucket(s3.endpoint);
      const values = {
        ...onBucket,
        config: { storage: { driver: 's3', s3: settingsOfBucket(s3.endpoint) } },
        secrets: { ...onBucket.secrets, ENTREPOT_ROOT_TOKEN: { name: 'entrepot', key: 'root' } },
      };
      const manifests = manifestsOf(await render({ helm, values, args: ['--is-upgrade'] }));
      const secrets = {
        'entrepot/secret-key': Buffer.alloc(32, 7).toString('base64'),
        'entrepot/database-url': database.url,
        'entrepot/access-key': s3Keys.accessKey,
        'entrepot/bucket-key': s3Keys.secretKey,
        'entrepot/root': rootToken,
      };
      await runContainer(containerOf(manifests, 'Job', secrets), join(directory, 'job'));
      const pod = containerOf(manifests, 'Deployment', secrets);
      const one = await startContainer(pod, join(directory, 'one'));
      const other = await startContainer(pod, join(directory, 'other'));
      await addUpstream(one.url, upstream.url);
      await expectPull(one.url, pulled);
      // It ends when what it serves is also kept.
      await one.program.stop();
      await upstream.stop();
      await expectPull(other.url, pulled, pulled.digest);
      await other.program.stop();
    } finally {
      await s3.program.stop();
      await database.drop();
    }
  },
);
