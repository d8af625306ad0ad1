/** Images of virtual registries that are fetched before anybody asks for them; ours. */
import { z } from 'zod';
import type { PrewarmImage } from '../../metadata/cached/prewarms.ts';
import { platformPattern } from '../../oci/platforms.ts';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { registryPath } from '../endpoint/named-ids.ts';
import { filled, integer, integerBetween, list, text } from '../endpoint/parameters.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import type { DetailedPrewarm, PrewarmService } from './prewarms.ts';

const registry = '/virtual_registries/container/registries/:id';
const one = `${registry}/prewarms/:prewarm_id`;
const prewarmId = registryPath.extend({ prewarm_id: integer });

const maxImages = 1000;
const maxImageLength = 512;
const maxPlatforms = 20;
const maxPlatformLength = 64;
const hoursPerYear = 8784;

const platform = text(maxPlatformLength).refine(
  (value) => platformPattern.test(value),
  'is not a list such as linux/amd64,linux/arm64',
);
const newPrewarm = z.object({
  images: list(filled(maxImageLength), maxImages)
    .refine((images) => images.length > 0, 'is empty')
    .meta({
      description: '`library/alpine:3.20` or `library/alpine@sha256:…`, by their names in the registry',
    }),
  platforms: list(platform, maxPlatforms)
    .nullish()
    .meta({ description: '`linux/amd64`, `linux/arm/v7`; none: all that there are' }),
  every_hours: integerBetween(1, hoursPerYear).nullish().meta({ description: 'Again so often; none: once' }),
});

const prewarmResponse = z
  .object({
    id: z.int(),
    registry_id: z.int(),
    platforms: z.array(z.string()),
    every_hours: z.int().nullable(),
    waiting: z.int().meta({ description: 'Images that are to be fetched, or to be tried again' }),
    done: z.int(),
    failed: z.int(),
    bytes: z.int().meta({ description: 'What upstreams sent for the last run' }),
    created_at: instantText,
    started_at: instantText.meta({ description: 'When the last run began' }),
    ended_at: instantText.nullable().meta({ description: 'null: images wait' }),
    next_run_at: instantText.nullable(),
  })
  .meta({ id: 'Prewarm' });

const detailedResponse = prewarmResponse
  .extend({
    images: z.array(
      z.object({
        image: z.string(),
        status: z.enum(['waiting', 'done', 'failed']),
        reason: z.string().nullable().meta({ description: 'Why it has failed, or why it waits' }),
        bytes: z.int(),
        due_at: instantText.nullable().meta({ description: 'From when on it is tried; null: it is over' }),
        ended_at: instantText.nullable(),
      }),
    ),
  })
  .meta({ id: 'PrewarmDetails' });

export function prewarmEndpoints(prewarms: PrewarmService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: `${registry}/prewarm`,
      summary:
        'Fetch images into the cache of a virtual registry before anybody asks for them, in the background',
      pathParams: registryPath,
      params: newPrewarm,
      status: 201,
      response: detailedResponse,
      handle: async (actor, { id, images, platforms, everyHours }) =>
        detailedBody(
          await prewarms.create(actor, id, {
            images,
            platforms: platforms ?? [],
            everyHours: everyHours ?? undefined,
          }),
        ),
    }),
    endpoint({
      method: 'GET',
      path: `${registry}/prewarms`,
      summary: 'What is, was or will be fetched into the cache of a virtual registry ahead, newest first',
      pathParams: registryPath,
      status: 200,
      response: z.array(prewarmResponse),
      handle: (actor, { id }) => prewarms.list(actor, id),
    }),
    endpoint({
      method: 'GET',
      path: one,
      summary: 'How far it is, image by image',
      pathParams: prewarmId,
      status: 200,
      response: detailedResponse,
      handle: async (actor, given) => detailedBody(await prewarms.get(actor, given.id, given.prewarmId)),
    }),
    endpoint({
      method: 'DELETE',
      path: one,
      summary: 'Fetch no more of it; what is in the cache stays',
      pathParams: prewarmId,
      status: 204,
      handle: (actor, given) => prewarms.remove(actor, given.id, given.prewarmId),
    }),
  ];
}

function detailedBody(prewarm: DetailedPrewarm): AnswerOf<typeof detailedResponse> {
  return {
    ...prewarm,
    images: prewarm.images.map((image) => ({ ...image, status: statusOf(image) })),
  };
}

function statusOf({ dueAt, reason }: PrewarmImage): 'waiting' | 'done' | 'failed' {
  if (dueAt !== undefined) return 'waiting';
  return reason === undefined ? 'done' : 'failed';
}
