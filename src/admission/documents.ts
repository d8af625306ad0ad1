/**
 * Signatures, attestations and SBOMs are signed by nobody, and have to be got by whoever wants to verify them. They are let in where all
 * that they hold is JSON: no container can be run from that, whatever its manifest calls it.
 */
import type { Digest } from '../oci/digest.ts';
import { parseManifest } from '../oci/manifest.ts';
import { ociIndex } from '../oci/media-types.ts';
import { decodeJson } from '../oci/untrusted-json.ts';
import type { JudgedImage } from './admission-policy.ts';
import { SignatureFault } from './signature-fault.ts';
import { readBlob } from './signature-search.ts';

const maxDocuments = 32;
/** An SBOM may be long. */
const maxDocumentBytes = 8 * 1024 * 1024;
const json = /^(?:application|text)\/(?:[\w.+-]+\+)?json$/;

/** @throws OciError where a document cannot be read */
export async function isDocument(
  { content, payload, mediaType }: JudgedImage,
  signal: AbortSignal,
): Promise<boolean> {
  const { references, shape } = parseManifest(payload, mediaType);
  const layers = references.filter(({ kind }) => kind === 'layer');
  if (shape === ociIndex || layers.length === 0 || layers.length > maxDocuments) return false;
  if (!layers.every((layer) => json.test(layer.mediaType))) return false;
  const read = new Set<Digest>();
  for (const layer of layers) {
    if (read.has(layer.digest)) continue;
    read.add(layer.digest);
    const bytes = await readBlob(content, layer, signal, maxDocumentBytes);
    if (bytes instanceof SignatureFault || !isJson(bytes)) return false;
  }
  return true;
}

function isJson(bytes: Buffer): boolean {
  try {
    decodeJson(bytes, { fatal: true });
    return true;
  } catch {
    return false;
  }
}
