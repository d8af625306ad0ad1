/** What a manifest says and what it refers to; unknown fields and types are let through. */
import { z } from 'zod';
import { type Digest, isDigest } from './digest.ts';
import { OciError } from './errors.ts';
import {
  essenceOf,
  isSchema1,
  isUnspecific,
  manifestKindOf,
  ociIndex,
  ociManifest,
  octetStream,
} from './media-types.ts';

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

const manifestFields = ['config', 'layers', 'manifests'] as const;

export type ManifestField = (typeof manifestFields)[number];

export interface ParsedManifest {
  /** What the sender said; where they said nothing, the body's own, or what its shape tells. */
  readonly mediaType: string;
  /** The body's own `mediaType`. */
  readonly bodyType: string | undefined;
  /** Which of the fields that tell an image from an index are there. */
  readonly fields: readonly ManifestField[];
  /** In their order; what is named twice is there twice. */
  readonly references: readonly ParsedReference[];
  readonly subject: Digest | undefined;
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

/** Some clients write null for what they leave out. */
function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined);
}

const descriptorSchema = z.looseObject({
  mediaType: z.string().default(octetStream),
  digest: z.string().refine(isDigest, 'is not a sha256 or sha512 digest'),
  size: z.int().nonnegative(),
  urls: optional(z.array(z.string())),
});

const manifestSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: optional(z.string()),
  artifactType: optional(z.string()),
  config: optional(descriptorSchema),
  layers: optional(z.array(descriptorSchema)),
  manifests: optional(z.array(descriptorSchema)),
  subject: optional(descriptorSchema),
  annotations: optional(z.record(z.string(), z.string())),
});

const schema1Schema = z.looseObject({ schemaVersion: z.literal(1) });

/**
 * @param contentType what the sender said it is; undefined or `application/octet-stream`-like values give way to the body's own `mediaType`.
 * @throws OciError MANIFEST_INVALID with the reason: too large (413), not JSON, schema 1, a malformed descriptor, or too many
 */
export function parseManifest(
  payload: Uint8Array,
  contentType: string | undefined,
  { maxBytes, maxReferences }: ManifestLimits = defaultLimits,
): ParsedManifest {
  if (payload.length > maxBytes) invalid(`the manifest has ${payload.length} bytes, over ${maxBytes}`, 413);
  const said = contentType === undefined ? '' : essenceOf(contentType);
  const json = parseJson(payload);
  if (isSchema1(said) || schema1Schema.safeParse(json).success)
    invalid('Docker image manifest schema 1 is not supported; push the image again with a current client');
  const manifest = manifestSchema.safeParse(json);
  if (!manifest.success) {
    const issue = manifest.error.issues[0];
    invalid(issue ? `${issue.path.join('.') || 'manifest'}: ${issue.message}` : 'not a manifest');
  }
  const { config, layers, manifests, subject, mediaType, artifactType, annotations } = manifest.data;
  const references: ParsedReference[] = [];
  const add = (
    kind: ReferenceKind,
    { digest, mediaType, size, urls = [] }: z.infer<typeof descriptorSchema>,
  ) => references.push({ kind, digest, mediaType, size, hasUrls: urls.length > 0 });
  if (config) add('config', config);
  for (const layer of layers ?? []) add('layer', layer);
  for (const child of manifests ?? []) add('manifest', child);
  if (subject) add('subject', subject);
  if (references.length > maxReferences)
    invalid(`the manifest refers to ${references.length} blobs and manifests, over ${maxReferences}`);
  const named = isUnspecific(said) ? (mediaType ?? (manifests ? ociIndex : ociManifest)) : said;
  const isImage = manifestKindOf(named) === 'image';
  return {
    mediaType: named,
    bodyType: mediaType,
    fields: manifestFields.filter((field) => manifest.data[field] !== undefined),
    references,
    subject: subject?.digest,
    artifactType: artifactType || (isImage ? config?.mediaType : undefined),
    annotations,
  };
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (cause) {
    return invalid('the manifest is not JSON', 400, cause);
  }
}

function invalid(detail: string, status = 400, cause?: unknown): never {
  throw new OciError('MANIFEST_INVALID', { detail, status, cause });
}
