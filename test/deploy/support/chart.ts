/** The chart as Helm renders it, and what its pods would run. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { run } from '../../e2e/support/processes.ts';
import { type Container, root } from './container.ts';

export const chart = join(root, 'deploy/helm');
/** As an installation of several pods begins. */
export const onBucket = parse(readFileSync(join(chart, 'values.replicas.yaml'), 'utf8'));
export const kubernetesVersions = ['1.30', '1.33', '1.36'] as const;

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
}

interface PodSpec {
  readonly automountServiceAccountToken: boolean;
  readonly securityContext: object;
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly env: readonly Variable[];
    readonly securityContext: object;
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  }[];
  readonly volumes: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
}

/** As much of Kubernetes' objects as is looked at. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly strategy?: object; readonly template?: { readonly spec: PodSpec } };
  readonly data?: Readonly<Record<string, string>>;
}

export interface Rendering {
  readonly helm: string;
  readonly values: object;
  readonly version?: string;
  readonly args?: readonly string[];
}

/** @throws Error with what Helm said */
export async function render({ helm, values, version = '1.33', args = [] }: Rendering): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'entrepot-chart-'));
  try {
    const file = join(directory, 'values.json');
    writeFileSync(file, JSON.stringify(values));
    const options = ['--kube-version', `${version}.0`, '--values', file, ...args];
    return await run(helm, ['template', 'entrepot', chart, ...options]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export function manifestsOf(text: string): readonly Manifest[] {
  return parseAllDocuments(text).flatMap((document): Manifest[] => document.toJS() ?? []);
}

export function find(manifests: readonly Manifest[], kind: string, name?: string): Manifest | undefined {
  return manifests.find((each) => each.kind === kind && (name === undefined || each.metadata.name === name));
}

export function podOf(manifests: readonly Manifest[], kind: 'Deployment' | 'Job'): PodSpec | undefined {
  return find(manifests, kind)?.spec?.template?.spec;
}

/** @param secrets values by the names of Secrets and their keys, as `name/key` */
export function containerOf(
  manifests: readonly Manifest[],
  kind: 'Deployment' | 'Job',
  secrets: Readonly<Record<string, string>> = {},
): Container {
  const pod = podOf(manifests, kind);
  const container = pod?.containers[0];
  if (!pod || !container) throw new Error(`no ${kind}`);
  const textOf = ({ value, valueFrom }: Variable) =>
    value ?? secrets[`${valueFrom?.secretKeyRef.name}/${valueFrom?.secretKeyRef.key}`] ?? '';
  const mounted = container.volumeMounts.flatMap(({ name, mountPath }) => {
    const map = pod.volumes.find((each) => each.name === name)?.configMap;
    const data = (map && find(manifests, 'ConfigMap', map.name)?.data) ?? {};
    return Object.entries(data).map(([key, text]) => [join(mountPath, key), text]);
  });
  return {
    args: container.args,
    env: Object.fromEntries(container.env.map((each) => [each.name, textOf(each)])),
    files: Object.fromEntries(mounted),
  };
}
