/** What a manifest says and what it refers to; unknown fields and types are let through. */
import { type Digest, isDigest } from './digest.ts';
import { OciError } from './errors.ts';
import { JsonError } from './json-scan.ts';
import {
  asClientsRead,
  descriptorFields,
  type ManifestReading,
  manifestFields,
  platformFields,
} from './manifest-fields.ts';
import {
  dockerSchema1,
  essenceOf,
  isArtifactManifest,
  isManifestType,
  isSchema1,
  isUnspecific,
  manifestKindOf,
  ociIndex,
  ociManifest,
  octetStream,
} from './media-types.ts';
import { isRecord, type JsonRecord, readTexts } from './untrusted-json.ts';

/** The spec asks registries to accept at least 4 MB. */
export const maxManifestBytes = 4 * 1024 * 1024;
export const maxManifestReferences = 10_000;

export interface ManifestLimits {
  readonly maxBytes: number;
  /** Config, layers, manifests and subject together. */
  readonly maxReferences: number;
}

/** Of manifests that come from elsewhere. */
const defaultLimits: ManifestLimits = { maxBytes: maxManifestBytes, maxReferences: maxManifestReferences };

export type ReferenceKind = 'config' | 'layer' | 'manifest' | 'subject';

export interface ManifestReference {
  readonly kind: ReferenceKind;
  readonly digest: Digest;
  readonly mediaType: string;
  /** In bytes. */
  readonly size: number;
}

export interface ParsedReference extends ManifestReference {
  /** Whether the manifest says where else the content is. */
  readonly hasUrls: boolean;
}

const shapeFields = ['config', 'layers', 'manifests'] as const;
/** What has none of these is no manifest, however it came to be sent as one. */
const sayings = [...shapeFields, 'schemaVersion', 'mediaType', 'artifactType', 'subject', 'blobs'];

export type ManifestField = (typeof shapeFields)[number];

export interface ParsedManifest {
  /** What the sender said; where they said nothing, the body's own, or what its shape tells. */
  readonly mediaType: string;
  /** What it is by its shape alone. */
  readonly shape: string;
  /** The body's own `mediaType`. */
  readonly bodyType: string | undefined;
  /** Which of the fields that tell an image from an index are there, and not null. */
  readonly fields: readonly ManifestField[];
  /** In their order; what is named twice is there twice. */
  readonly references: readonly ParsedReference[];
  readonly subject: Digest | undefined;
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  /** All of it, so that nobody has to parse it again. */
  readonly json: JsonRecord;
}

/**
 * @param contentType what the sender said it is; undefined or `application/octet-stream`-like values give way to the body's own `mediaType`.
 * @param reading of what came from elsewhere, unless it is said
 * @throws OciError MANIFEST_INVALID with the reason: too large (413), nothing that a manifest says, too many descriptors, or what the reading refuses
 */
export function parseManifest(
  payload: Uint8Array,
  contentType: string | undefined,
  { maxBytes, maxReferences }: ManifestLimits = defaultLimits,
  reading: ManifestReading = asClientsRead,
): ParsedManifest {
  if (payload.length > maxBytes) invalid(`the manifest has ${payload.length} bytes, over ${maxBytes}`, 413);
  const said = contentType === undefined ? '' : essenceOf(contentType);
  const manifest = readManifest(payload, reading);
  const { schemaVersion, config, layers, manifests, subject } = manifest;
  if (isSchema1(said) || schemaVersion === 1)
    reading.refuse(
      'Docker image manifest schema 1 is not supported; push the image again with a current client',
    );
  else if (schemaVersion !== 2) reading.refuse('schemaVersion: is not 2');
  if (sayings.every((field) => isAbsent(manifest[field]))) invalid('the manifest says nothing of an image');
  const bodyType = mediaTypeIn(manifest, 'mediaType', '', reading);
  const descriptors = new Descriptors(reading, maxReferences);
  const configured = isAbsent(config) ? undefined : descriptors.add('config', 'config', config);
  descriptors.addAll('layer', 'layers', layers);
  descriptors.addAll('manifest', 'manifests', manifests);
  if (isArtifactManifest(bodyType ?? said)) descriptors.addAll('layer', 'blobs', manifest['blobs']);
  const belongsTo = isAbsent(subject) ? undefined : descriptors.add('subject', 'subject', subject);
  const isIndex = isAbsent(config) ? manifests !== undefined : !isAbsent(manifests);
  const shape = schemaVersion === 1 ? dockerSchema1 : isIndex ? ociIndex : ociManifest;
  const named = isUnspecific(said) ? (bodyType ?? shape) : said;
  return {
    mediaType: named,
    shape,
    bodyType,
    fields: shapeFields.filter((field) => !isAbsent(manifest[field])),
    references: descriptors.all,
    subject: belongsTo?.digest,
    artifactType:
      mediaTypeIn(manifest, 'artifactType', '', reading) ??
      (manifestKindOf(named) === 'image' ? configured?.mediaType : undefined),
    annotations: annotationsIn(manifest, reading),
    json: manifest,
  };
}

/** What is served of what came from elsewhere: never another type than that of a manifest, whatever its sender said. */
export function servedTypeOf({ mediaType, bodyType, shape }: ParsedManifest): string {
  return [mediaType, bodyType].find((type) => isManifestType(type ?? '')) ?? shape;
}

class Descriptors {
  readonly all: ParsedReference[] = [];
  readonly #reading: ManifestReading;
  readonly #maxCount: number;

  constructor(reading: ManifestReading, maxCount: number) {
    this.#reading = reading;
    this.#maxCount = maxCount;
  }

  /** Undefined where it was left out. */
  add(kind: ReferenceKind, path: string, value: unknown): ParsedReference | undefined {
    if (this.all.length >= this.#maxCount)
      invalid(`the manifest refers to more than ${this.#maxCount} blobs and manifests`);
    if (!isRecord(value)) return this.#leaveOut(`${path}: is no descriptor`);
    const json = this.#reading.fields(value, descriptorFields, path);
    const { digest, size, urls, platform } = json;
    if (isRecord(platform)) this.#reading.fields(platform, platformFields, `${path}.platform`);
    if (typeof digest !== 'string' || !isDigest(digest))
      return this.#leaveOut(`${path}.digest: is not a sha256 or sha512 digest`);
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
      return this.#leaveOut(`${path}.size: is no number of bytes`);
    if (!isAbsent(urls) && !Array.isArray(urls)) this.#reading.refuse(`${path}.urls: is no list`);
    mediaTypeIn(json, 'artifactType', path, this.#reading);
    const mediaType = mediaTypeIn(json, 'mediaType', path, this.#reading) ?? octetStream;
    const reference = { kind, digest, mediaType, size, hasUrls: Array.isArray(urls) && urls.length > 0 };
    this.all.push(reference);
    return reference;
  }

  addAll(kind: ReferenceKind, field: string, list: unknown): void {
    if (isAbsent(list)) return;
    if (Array.isArray(list))
      for (const [index, value] of list.entries()) this.add(kind, `${field}.${index}`, value);
    else this.#reading.refuse(`${field}: is no list`);
  }

  #leaveOut(detail: string): undefined {
    this.#reading.refuse(detail);
  }
}

/** Some clients write null for what they leave out. */
function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function readManifest(payload: Uint8Array, reading: ManifestReading): JsonRecord {
  try {
    const json = reading.parse(payload);
    if (!isRecord(json)) invalid('the manifest is no JSON object');
    return reading.fields(json, manifestFields, '');
  } catch (error) {
    if (error instanceof JsonError) invalid(`the manifest ${error.message}`, 400, error);
    throw error;
  }
}

/** An empty text says nothing, as Go writes it. */
function mediaTypeIn(
  json: JsonRecord,
  name: 'mediaType' | 'artifactType',
  path: string,
  reading: ManifestReading,
): string | undefined {
  const value = json[name];
  if (isAbsent(value) || value === '') return undefined;
  const at = path === '' ? name : `${path}.${name}`;
  if (typeof value !== 'string') {
    reading.refuse(`${at}: is no text`);
    return undefined;
  }
  return reading.mediaType(value, at);
}

function annotationsIn(
  { annotations }: JsonRecord,
  reading: ManifestReading,
): Readonly<Record<string, string>> | undefined {
  if (isAbsent(annotations)) return undefined;
  const texts = readTexts(annotations);
  if (!texts) reading.refuse('annotations: are not all texts');
  return texts;
}

function invalid(detail: string, status = 400, cause?: unknown): never {
  throw new OciError('MANIFEST_INVALID', { detail, status, cause });
}
