/** Images as the API shows them. Whatever a pusher did not say, or not well, is null or missing. */
import { z } from 'zod';
import type { Digest } from '../../oci/digest.ts';
import type { Platform } from '../../oci/image-config.ts';
import type { ContentFacts, ImageFacts, LayerFacts } from '../../oci/image-facts.ts';
import { formatInstant, instantText } from '../endpoint/dates.ts';
import type { BodyOf } from '../endpoint/response.ts';
import { tagNameBody, tagNameResponse } from './repository-body.ts';
import type { AttachedArtifact, TagImage } from './tag-images.ts';

const texts = z.record(z.string(), z.string());
const bytes = z.int().meta({ description: 'Bytes' });
const content = z.object({ digest: z.string(), media_type: z.string(), size: bytes });
const platform = z.object({
  os: z.string().nullable(),
  architecture: z.string().nullable(),
  variant: z.string().nullable(),
  os_version: z.string().nullable(),
});

const shownImage = z.object({
  digest: z.string(),
  platform,
  created_at: instantText.nullable(),
  author: z.string().nullable(),
  config: content.nullable(),
  config_state: z
    .enum(['none', 'read', 'missing', 'unreadable'])
    .meta({ description: 'Whether the config could be read; only then it says something of the image' }),
  labels: texts,
  annotations: texts,
  layers: z.array(content.extend({ annotations: texts })),
  history: z.array(
    z.object({
      created_at: instantText.nullable(),
      created_by: z.string().nullable(),
      comment: z.string().nullable(),
      empty_layer: z.boolean(),
    }),
  ),
});

export const tagImageResponse = tagNameResponse
  .extend({
    digest: z.string(),
    media_type: z.string(),
    artifact_type: z.string().nullable(),
    created_at: instantText.nullable(),
    total_size: bytes,
    annotations: texts,
    platforms: z.array(
      platform.extend({
        digest: z.string(),
        media_type: z.string(),
        size: bytes.meta({ description: 'Of the manifest, in bytes' }),
        total_size: bytes.nullable(),
        created_at: instantText.nullable(),
      }),
    ),
    image: shownImage.nullable(),
    referrers: z.array(
      content.extend({
        artifact_type: z.string().nullable(),
        kind: z.enum(['signature', 'attestation', 'sbom']).nullable(),
        found_by: z.enum(['subject', 'tag', 'index']),
        tag: z.string().nullable(),
        annotations: texts,
      }),
    ),
  })
  .meta({ id: 'ContainerTagImage' });

export function tagImageBody(image: TagImage, externalUrl: string): BodyOf<typeof tagImageResponse> {
  const { tag, repository, facts, summary, children, shown } = image;
  const instants = [...children.values()].flatMap(({ createdAt }) => createdAt ?? []);
  const newest = instants.length > 0 ? Math.max(...instants) : undefined;
  return {
    ...tagNameBody(tag.name, repository.name, externalUrl),
    digest: tag.digest,
    media_type: tag.mediaType,
    artifact_type: facts.artifactType ?? null,
    created_at: formatInstant(facts.kind === 'index' ? newest : summary.createdAt),
    total_size: summary.totalBytes,
    annotations: facts.annotations,
    platforms: platformsOf(image),
    image: shown ? shownBody(shown) : null,
    referrers: image.attached.map(attachedBody),
  };
}

function platformsOf({ tag, facts, summary, manifestBytes, platforms, children }: TagImage) {
  if (facts.kind === 'image') {
    if (!facts.image) return [];
    const { totalBytes, createdAt } = summary;
    return [
      {
        ...platformBody(facts.image.platform),
        digest: tag.digest,
        media_type: tag.mediaType,
        size: manifestBytes,
        total_size: totalBytes,
        created_at: formatInstant(createdAt),
      },
    ];
  }
  return platforms.map((child) => {
    const known = children.get(child.digest);
    return {
      ...platformBody(child.platform),
      ...contentBody(child),
      total_size: known?.totalBytes ?? null,
      created_at: formatInstant(known?.createdAt),
    };
  });
}

function shownBody({ digest, facts }: { readonly digest: Digest; readonly facts: ImageFacts }) {
  const { image, config, configState, annotations, layers } = facts;
  return {
    digest,
    platform: platformBody(image?.platform ?? {}),
    created_at: formatInstant(image?.createdAt),
    author: image?.author ?? null,
    config: config ? contentBody(config) : null,
    config_state: configState,
    labels: image?.labels ?? {},
    annotations,
    layers: layers.map((layer: LayerFacts) => ({ ...contentBody(layer), annotations: layer.annotations })),
    history: (image?.history ?? []).map((step) => ({
      created_at: formatInstant(step.createdAt),
      created_by: step.createdBy ?? null,
      comment: step.comment ?? null,
      empty_layer: step.isEmptyLayer,
    })),
  };
}

function attachedBody({ kind, foundBy, tag, artifactType, annotations = {}, ...content }: AttachedArtifact) {
  return {
    ...contentBody(content),
    artifact_type: artifactType ?? null,
    kind: kind ?? null,
    found_by: foundBy,
    tag: tag ?? null,
    annotations,
  };
}

function platformBody({ os, architecture, variant, osVersion }: Platform) {
  return {
    os: os ?? null,
    architecture: architecture ?? null,
    variant: variant ?? null,
    os_version: osVersion ?? null,
  };
}

function contentBody({ digest, mediaType, size }: Pick<ContentFacts, 'digest' | 'mediaType' | 'size'>) {
  return { digest, media_type: mediaType, size };
}
