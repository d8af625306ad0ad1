/** When an image was made, as it says itself: by the config of an image, and by the newest of its images for an index. */
import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import { maxImageConfigBytes, parseImageConfig, parseInstant } from '../oci/image-config.ts';
import { attestedBy, findImageConfig, parseImageFacts } from '../oci/image-facts.ts';
import { parseJsonRecord } from '../oci/untrusted-json.ts';
import type { ImageContent } from './admission-policy.ts';

/** Of an index: each may cost a request for its manifest, and one for its config. */
const maxChildren = 50;
const createdAnnotation = 'org.opencontainers.image.created';
/** Before that nobody made images: builds that can be repeated set such times, and say nothing by them. */
const firstImagesMs = Date.UTC(2013, 0);

/** Epoch milliseconds; undefined where it does not say, or not of all of its images. */
export async function findCreated(
  payload: Buffer,
  content: ImageContent,
  signal: AbortSignal,
): Promise<number | undefined> {
  const manifest = parseJsonRecord(payload);
  if (!manifest) return undefined;
  const { kind, children, annotations } = parseImageFacts(manifest, undefined);
  if (kind === 'image') {
    const config = findImageConfig(manifest);
    const created = config && (await readConfig(config.digest, content, signal));
    return known(created ?? parseInstant(annotations[createdAnnotation]));
  }
  const images = children.filter((child) => attestedBy(child) === undefined);
  if (images.length === 0 || images.length > maxChildren) return undefined;
  let newest = 0;
  for (const child of images) {
    const created =
      known(parseInstant(child.annotations[createdAnnotation])) ??
      (await createdOf(child.digest, content, signal));
    if (created === undefined) return undefined;
    newest = Math.max(newest, created);
  }
  return newest;
}

/** Of an image: an index in an index does not say. */
async function createdOf(
  digest: Digest,
  content: ImageContent,
  signal: AbortSignal,
): Promise<number | undefined> {
  const answer = await content.manifest(digest, false, signal).catch(unlessOciError);
  const manifest = answer && parseJsonRecord(answer.payload);
  const config = manifest && findImageConfig(manifest);
  return config && known(await readConfig(config.digest, content, signal));
}

async function readConfig(
  digest: Digest,
  content: ImageContent,
  signal: AbortSignal,
): Promise<number | undefined> {
  const blob = await content.blob(digest, signal).catch(unlessOciError);
  if (!blob) return undefined;
  try {
    if (blob.size === undefined || blob.size > maxImageConfigBytes) return undefined;
    const chunks: Buffer[] = [];
    // A chunk is good until the next one.
    for await (const chunk of blob.read(0, undefined, signal)) chunks.push(Buffer.from(chunk));
    return parseImageConfig(Buffer.concat(chunks))?.createdAt;
  } finally {
    await blob.close();
  }
}

function known(created: number | undefined): number | undefined {
  return created !== undefined && created >= firstImagesMs ? created : undefined;
}

function unlessOciError(error: unknown): undefined {
  if (!(error instanceof OciError)) throw error;
  return undefined;
}
