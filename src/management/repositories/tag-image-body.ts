/** Images as the API shows them. Whatever a pusher did not say, or not well, is null or missing. */
import { z } from 'zod';
import type { Digest } from '../../oci/digest.ts';
import type { Platform } from '../../oci/image-config.ts';
import type { ImageFacts } from '../../oci/image-facts.ts';
import { instantText } from '../endpoint/dates.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import { tagNameBody, tagNameResponse } from './repository-body.ts';
import type { TagImage } from './tag-images.ts';

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

export function tagImageBody(image: TagImage, externalUrl: string): AnswerOf<typeof tagImageResponse> {
  const { tag, repository, facts, summary, children, shown } = image;
  const instants = [...children.values()].flatMap(({ createdAt }) => createdAt ?? []);
  const newest = instants.length > 0 ? Math.max(...instants) : undefined;
  return {
    ...tagNameBody(tag.name, repository.name, externalUrl),
    digest: tag.digest,
    mediaType: tag.mediaType,
    artifactType: facts.artifactType,
    createdAt: facts.kind === 'index' ? newest : summary.createdAt,
    totalSize: summary.totalBytes,
    annotations: facts.annotations,
    platforms: platformsOf(image),
    image: shown && shownBody(shown),
    referrers: image.attached.map((attached) => ({
      ...attached,
      artifactType: attached.artifactType,
      tag: attached.tag,
      annotations: attached.annotations ?? {},
    })),
  };
}

function platformsOf({ tag, facts, summary, manifestBytes, platforms, children }: TagImage) {
  if (facts.kind === 'image') {
    if (!facts.image) return [];
    const { totalBytes: totalSize, createdAt } = summary;
    return [{ ...tag, ...platformBody(facts.image.platform), size: manifestBytes, totalSize, createdAt }];
  }
  return platforms.map((child) => {
    const known = children.get(child.digest);
    const { totalBytes: totalSize, createdAt } = known ?? {};
    return { ...child, ...platformBody(child.platform), totalSize, createdAt };
  });
}

function shownBody({ digest, facts }: { readonly digest: Digest; readonly facts: ImageFacts }) {
  const { image, config, configState, annotations, layers } = facts;
  return {
    digest,
    platform: platformBody(image?.platform ?? {}),
    createdAt: image?.createdAt,
    author: image?.author,
    config,
    configState,
    labels: image?.labels ?? {},
    annotations,
    layers,
    history: (image?.history ?? []).map(({ createdAt, createdBy, comment, isEmptyLayer: emptyLayer }) => ({
      createdAt,
      createdBy,
      comment,
      emptyLayer,
    })),
  };
}

function platformBody({ os, architecture, variant, osVersion }: Platform) {
  return { os, architecture, variant, osVersion };
}
