/** The JSON columns of image facts. */
import type { Selectable } from 'kysely';
import { z } from 'zod';
import { type Digest, isDigest } from '../../oci/digest.ts';
import type { ImageFacts } from '../../oci/image-facts.ts';
import type { Tables } from '../db/tables.ts';

type Row = Selectable<Tables['imageFacts']>;

const texts = z.record(z.string(), z.string());
const digest = z.string().refine((text): text is Digest => isDigest(text));
const platform = z.object({
  os: z.string().optional(),
  architecture: z.string().optional(),
  variant: z.string().optional(),
  osVersion: z.string().optional(),
});
const layer = z.object({ digest, mediaType: z.string(), size: z.number(), annotations: texts });
const manifestDetails = z.object({
  annotations: texts,
  layers: z.array(layer).readonly(),
  children: z.array(layer.extend({ platform, artifactType: z.string().optional() })).readonly(),
});
const configDetails = z.object({
  osVersion: z.string().optional(),
  author: z.string().optional(),
  labels: texts,
  history: z
    .array(
      z.object({
        createdAt: z.number().optional(),
        createdBy: z.string().optional(),
        comment: z.string().optional(),
        isEmptyLayer: z.boolean(),
      }),
    )
    .readonly(),
});

export function writeDetails({
  annotations,
  layers,
  children,
  image,
}: ImageFacts): Pick<Row, 'manifestDetails' | 'configDetails'> {
  const { platform: ran, author, labels, history } = image ?? { platform: {}, labels: {}, history: [] };
  return {
    manifestDetails: JSON.stringify({ annotations, layers, children } satisfies z.input<
      typeof manifestDetails
    >),
    configDetails: JSON.stringify({ osVersion: ran.osVersion, author, labels, history } satisfies z.input<
      typeof configDetails
    >),
  };
}

/** @param showsConfig whether what the config says is told */
export function readDetails(
  row: Row,
  showsConfig: boolean,
): Pick<ImageFacts, 'annotations' | 'layers' | 'children' | 'image'> {
  const manifest = manifestDetails.parse(JSON.parse(row.manifestDetails));
  if (!showsConfig || row.configState !== 'read') return manifest;
  const { osVersion, ...config } = configDetails.parse(JSON.parse(row.configDetails));
  const { os, architecture, variant, imageCreatedAt: createdAt } = row;
  return {
    ...manifest,
    image: {
      ...config,
      createdAt: createdAt ?? undefined,
      platform: {
        os: os ?? undefined,
        architecture: architecture ?? undefined,
        variant: variant ?? undefined,
        osVersion,
      },
    },
  };
}
