/** A server under load: Entrepot, or Debian's docker-registry with token authentication. Both serve the same image. */
import { DockerRegistry } from '../test/e2e/support/docker-registry.ts';
import { Entrepot } from '../test/e2e/support/entrepot.ts';
import { virtualUrl } from '../test/e2e/support/figure.ts';
import { pull } from '../test/e2e/support/pulling.ts';
import { repository, tag } from './warm-content.ts';

export interface Contender {
  readonly name: string;
  readonly pid: number;
  readonly manifestUrl: string;
  blobUrl(digest: string): string;
  bearer(): Promise<string>;
  stop(): Promise<void>;
}

/** One that is pushed to. */
export interface PushContender extends Contender {
  /** Of the repository, below /v2. */
  readonly pushUrl: string;
  pushBearer(): Promise<string>;
}

const pushed = 'bench/pushed';

/** @param origin the registry that has the image to pull; it may stop once this one is warm */
export async function startEntrepot(
  directory: string,
  origin?: string,
  core?: number,
): Promise<PushContender> {
  const server = await Entrepot.start({ directory, ...(core !== undefined && { core }) });
  if (origin !== undefined) await server.setUpstreams(1, [{ url: origin, name: 'origin' }]);
  await server.createProject(pushed);
  return {
    name: 'Entrepot',
    pid: server.program.pid,
    manifestUrl: virtualUrl(server, repository, 'manifests', tag),
    blobUrl: (digest) => virtualUrl(server, repository, 'blobs', digest),
    bearer: () => server.bearer(`virtual_registries/container/1/${repository}`),
    pushUrl: `http://${server.host}/v2/${pushed}`,
    pushBearer: () => server.bearer(pushed, 'pull,push'),
    stop: () => server.stop(),
  };
}

/** @param storage where the image is */
export async function startPeer(directory: string, storage: string, core?: number): Promise<PushContender> {
  const registry = await DockerRegistry.start({
    directory,
    storage,
    auth: 'token',
    ...(core !== undefined && { core }),
  });
  return {
    name: 'docker-registry',
    pid: registry.program.pid,
    manifestUrl: `${registry.url}/v2/${repository}/manifests/${tag}`,
    blobUrl: (digest) => `${registry.url}/v2/${repository}/blobs/${digest}`,
    bearer: () => registry.bearer(repository),
    pushUrl: `${registry.url}/v2/${pushed}`,
    pushBearer: () => registry.bearer(pushed, 'pull,push'),
    stop: () => registry.stop(),
  };
}

/** @throws Error where a digest is not what it should be */
export async function warm(contender: Contender, manifest: string, blob: string): Promise<void> {
  const authorization = await contender.bearer();
  const headers = { accept: 'application/vnd.oci.image.manifest.v1+json' };
  const answers = [
    await pull(contender.manifestUrl, { authorization, headers }),
    await pull(contender.blobUrl(blob), { authorization }),
  ];
  const got = answers.map(({ status, digest }) => `${status} ${digest}`).join();
  if (got !== `200 ${manifest},200 ${blob}`) throw new Error(`${contender.name} serves ${got}`);
}
