/** The Helm chart: what it renders is valid, and what would lose data is refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { run } from '../e2e/support/processes.ts';
import { chart, find, kubernetesVersions, manifestsOf, onBucket, podOf, render } from './support/chart.ts';
import { root } from './support/container.ts';
import { findHelm, findValidator } from './support/tools.ts';

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
