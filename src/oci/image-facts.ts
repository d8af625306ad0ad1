/** What a manifest and its config say of an image, in bounds and without what is malformed: for people, never for deciding. */
import { type Digest, isDigest } from './digest.ts';
import { type ImageConfig, isImageConfig, type Platform, parsePlatform } from './image-config.ts';
import { octetStream } from './media-types.ts';
import { isRecord, type JsonRecord, recordsIn, textIn, textsIn } from './untrusted-json.ts';

/** Image layers are limited to 127 by what runs them; artifacts have more. */
const maxListed = 1000;
const maxTypeLength = 255;

export interface ContentFacts {
  readonly digest: Digest;
  readonly mediaType: string;
  /** In bytes, as the descriptor says. */
  readonly size: number;
}

export interface LayerFacts extends ContentFacts {
  readonly annotations: Readonly<Record<string, string>>;
}

/** A manifest that an index lists. */
export interface ChildFacts extends LayerFacts {
  readonly platform: Platform;
  readonly artifactType?: string | undefined;
}

/**
 * none: there is no config, or one that is no image's; missing: its bytes were not at hand; unreadable: too large, or not what a
 * config is.
 */
export type ConfigState = 'none' | 'read' | 'missing' | 'unreadable';

export interface ImageFacts {
  readonly kind: 'image' | 'index';
  readonly artifactType?: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
  /** The config's descriptor. */
  readonly config?: ContentFacts | undefined;
  readonly configState: ConfigState;
  /** What the config says; only where it was read. */
  readonly image?: ImageConfig | undefined;
  /** In their order; empty for an index. */
  readonly layers: readonly LayerFacts[];
  /** In their order; empty for an image. */
  readonly children: readonly ChildFacts[];
  /** Config and layers, each digest once, in bytes; undefined for an index. */
  readonly totalBytes?: number | undefined;
}

/** The config's descriptor where it is an image's, and may be read for {@link parseImageFacts}. */
export function findImageConfig(manifest: JsonRecord): ContentFacts | undefined {
  const config = parseContent(manifest['config']);
  return config && isImageConfig(config.mediaType) ? config : undefined;
}

/**
 * @param config what was read of its config; or why nothing was
 */
export function parseImageFacts(
  manifest: JsonRecord,
  config: ImageConfig | 'missing' | 'unreadable' | undefined,
): ImageFacts {
  const isIndex = Array.isArray(manifest['manifests']);
  const descriptor = isIndex ? undefined : parseContent(manifest['config']);
  const layers = isIndex ? [] : listOf(manifest['layers'], parseLayer);
  return {
    kind: isIndex ? 'index' : 'image',
    artifactType: textIn(manifest, 'artifactType', maxTypeLength) ?? descriptor?.mediaType,
    annotations: textsIn(manifest['annotations']),
    config: descriptor,
    configState: config === undefined ? 'none' : typeof config === 'string' ? config : 'read',
    image: typeof config === 'object' ? config : undefined,
    layers: layers.slice(0, maxListed),
    children: isIndex ? listOf(manifest['manifests'], parseChild).slice(0, maxListed) : [],
    totalBytes: isIndex ? undefined : sumOf(descriptor ? [descriptor, ...layers] : layers),
  };
}

/** BuildKit lists what it attests to an image beside it, as a manifest for a platform that nothing runs on. */
export function attestedBy({ annotations }: Pick<ChildFacts, 'annotations'>): string | undefined {
  return annotations['vnd.docker.reference.type'] === 'attestation-manifest'
    ? (annotations['vnd.docker.reference.digest'] ?? '')
    : undefined;
}

/** As tools write it: `linux/arm64/v8`. Empty where nothing is known. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== undefined).join('/');
}

function parseContent(value: unknown): ContentFacts | undefined {
  if (!isRecord(value)) return undefined;
  const { digest, size } = value;
  if (typeof digest !== 'string' || !isDigest(digest)) return undefined;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
  return { digest, size, mediaType: textIn(value, 'mediaType', maxTypeLength) ?? octetStream };
}

function parseLayer(value: Readonly<Record<string, unknown>>): LayerFacts | undefined {
  const content = parseContent(value);
  return content && { ...content, annotations: textsIn(value['annotations']) };
}

function parseChild(value: Readonly<Record<string, unknown>>): ChildFacts | undefined {
  const layer = parseLayer(value);
  const platform = value['platform'];
  return (
    layer && {
      ...layer,
      platform: isRecord(platform) ? parsePlatform(platform) : {},
      artifactType: textIn(value, 'artifactType', maxTypeLength),
    }
  );
}

function listOf<T>(value: unknown, parse: (entry: Readonly<Record<string, unknown>>) => T | undefined): T[] {
  return recordsIn(value, Number.POSITIVE_INFINITY)
    .map(parse)
    .filter((entry) => entry !== undefined);
}

/** Sizes are what a pusher wrote: their sum may be more than there are numbers for. */
function sumOf(contents: readonly ContentFacts[]): number {
  const sizes = new Map(contents.map(({ digest, size }) => [digest, size]));
  const sum = [...sizes.values()].reduce((total, size) => total + size, 0);
  return Math.min(sum, Number.MAX_SAFE_INTEGER);
}
