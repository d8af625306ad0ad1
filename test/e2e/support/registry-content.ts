/** What a registry has, asked for as it is, and compared with its digests. */
import { digestOf } from '../../../src/oci/digest.ts';
import { manifestAccept } from '../../../src/oci/media-types.ts';
import { pull } from './pulling.ts';

interface Descriptor {
  readonly digest: string;
  readonly size: number;
}

interface Manifest {
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
}

/**
 * The digest that a registry says of an image; its status where it is none.
 * @param url of the registry
 * @param image repository:tag
 */
export async function digestAt(url: string, image: string, authorization?: string): Promise<string> {
  const [repository, tag] = image.split(':');
  const response = await fetch(`${url}/v2/${repository}/manifests/${tag}`, {
    method: 'HEAD',
    headers: { accept: manifestAccept, ...(authorization && { authorization }) },
  });
  return response.headers.get('docker-content-digest') ?? `${response.status}`;
}

/**
 * Reads a manifest with all that it refers to.
 * @param repositoryUrl http://host/v2/name
 * @returns the digests, each compared with the bytes
 * @throws Error where something is absent, cut, or not what its digest says
 */
export async function verifyContent(
  repositoryUrl: string,
  digest: string,
  authorization: string,
): Promise<readonly string[]> {
  const answer = await fetch(`${repositoryUrl}/manifests/${digest}`, {
    headers: { accept: manifestAccept, authorization },
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (digestOf(bytes) !== digest) throw new Error(`manifest ${digest}: ${answer.status} ${bytes}`);
  const { config, layers = [], manifests = [] }: Manifest = JSON.parse(bytes.toString());
  const verified = [digest];
  for (const child of manifests) {
    verified.push(...(await verifyContent(repositoryUrl, child.digest, authorization)));
  }
  for (const blob of config ? [config, ...layers] : layers) {
    const pulled = await pull(`${repositoryUrl}/blobs/${blob.digest}`, { authorization });
    if (pulled.status !== 200 || pulled.digest !== blob.digest || pulled.bytes !== blob.size) {
      throw new Error(`blob ${blob.digest}: ${pulled.status}, ${pulled.bytes} of ${blob.size} bytes`);
    }
    verified.push(blob.digest);
  }
  return verified;
}
