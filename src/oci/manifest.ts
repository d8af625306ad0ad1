/** What a manifest says and what it refers to; unknown fields and types are let through. */
import { z } from 'zod';
import { type Digest, isDigest } from './digest.ts';
import { OciError } from './errors.ts';
import { dockerManifest, essenceOf, isSchema1, ociIndex, ociManifest, octetStream } from './media-types.ts';

/** The spec asks registries to accept at least 4 MB. */
export const maxManifestBytes = 4 * 1024 * 1024;
export const maxManifestReferences = 10_000;

export type ReferenceKind = 'config' | 'layer' | 'manifest' | 'subject';

export interface ManifestReference {
  readonly kind: ReferenceKind;
  readonly digest: Digest;
  readonly mediaType: string;
  /** In bytes. */
  readonly size: number;
}

export interface ParsedManifest {
  readonly mediaType: string;
  readonly references: readonly ManifestReference[];
  readonly subject: Digest | undefined;
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

const descriptorSchema = z.looseObject({
  mediaType: z.string().default(octetStream),
  digest: z.string().refine(isDigest, 'is not a digest'),
  size: z.int().nonnegative(),
});

const manifestSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  config: descriptorSchema.optional(),
  layers: z.array(descriptorSchema).max(maxManifestReferences).optional(),
  manifests: z.array(descriptorSchema).max(maxManifestReferences).optional(),
  subject: descriptorSchema.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

/**
 * @param contentType what the sender said it is; undefined or `application/octet-stream`-like values give way to the body's own `mediaType`.
 * @throws OciError MANIFEST_INVALID with the reason: too large, not JSON, schema 1, or a malformed descriptor.
 */
export function parseManifest(payload: Uint8Array, contentType: string | undefined): ParsedManifest {
  if (payload.length > maxManifestBytes)
    invalid(`the manifest has ${payload.length} bytes, over ${maxManifestBytes}`, 413);
  const said = contentType === undefined ? '' : essenceOf(contentType);
  if (isSchema1(said))
    invalid('Docker image manifest schema 1 is not supported; push the image again with a current client');
  const manifest = manifestSchema.safeParse(parseJson(payload));
  if (!manifest.success) {
    const issue = manifest.error.issues[0];
    invalid(issue ? `${issue.path.join('.') || 'manifest'}: ${issue.message}` : 'not a manifest');
  }
  const { data } = manifest;
  const named = isManifestType(said) ? said : (data.mediaType ?? (data.manifests ? ociIndex : ociManifest));
  const references: ManifestReference[] = [];
  const add = (kind: ReferenceKind, d: z.infer<typeof descriptorSchema>) =>
    references.push({ kind, digest: d.digest, mediaType: d.mediaType, size: d.size });
  if (data.config) add('config', data.config);
  for (const layer of data.layers ?? []) add('layer', layer);
  for (const child of data.manifests ?? []) add('manifest', child);
  if (data.subject) add('subject', data.subject);
  const configType = data.config?.mediaType;
  return {
    mediaType: named,
    references,
    subject: data.subject?.digest,
    artifactType:
      data.artifactType || (named === ociManifest || named === dockerManifest ? configType : undefined),
    annotations: data.annotations,
  };
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (cause) {
    return invalid('the manifest is not JSON', 400, cause);
  }
}

function isManifestType(type: string): boolean {
  return type !== '' && type !== octetStream && type !== 'application/json' && type !== 'text/plain';
}

function invalid(detail: string, status = 400, cause?: unknown): never {
  throw new OciError('MANIFEST_INVALID', { detail, status, cause });
}
