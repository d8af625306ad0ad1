/** https://docs.gitlab.com/api/audit_events/ */
import { z } from 'zod';
import type { Keyset } from '../../metadata/db/page.ts';
import type { AuditEvent } from '../../metadata/server/audit-events.ts';
import { instant, instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { idOf } from '../endpoint/named-ids.ts';
import { keysetBody, keysetParams, pageBody } from '../endpoint/pagination.ts';
import { maxNameLength, placeId, textOrNone } from '../endpoint/parameters.ts';
import { forEachPlace } from '../endpoint/place-paths.ts';
import type { AnswerOf, CamelCased } from '../endpoint/wire.ts';
import type { AuditSearch, AuditTrail } from './audit.ts';

const searchParams = keysetParams.extend({
  order_by: z.literal('id').default('id'),
  sort: z.literal('desc').default('desc'),
  created_after: instant.optional(),
  created_before: instant.optional(),
  entity_type: textOrNone(maxNameLength),
  entity_id: textOrNone(maxNameLength),
  author_id: idOf('user').optional(),
  event_name: textOrNone(maxNameLength),
});

type Search = CamelCased<z.output<typeof searchParams>>;

const eventResponse = z
  .object({
    id: z.int(),
    author_id: z.int().nullable(),
    entity_type: z.string(),
    entity_id: z.int().nullable(),
    event_name: z.string(),
    details: z.object({
      author_name: z.string(),
      ip_address: z.string().nullable(),
      group_path: z.string().nullable(),
      project_path: z.string().nullable(),
      target_details: z.string().meta({ description: 'The number or the name of what it happened to' }),
      attributes: z.record(z.string(), z.unknown()).meta({ description: 'What was given or found' }),
    }),
    created_at: instantText,
  })
  .meta({ id: 'AuditEvent' });

export function auditEventEndpoints(trail: AuditTrail): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/audit_events',
      summary: 'Who did what, newest first; for administrators',
      params: searchParams,
      status: 200,
      response: z.array(eventResponse),
      handle: async (actor, input) => {
        const search = searchOf(input);
        const keyset = keysetOf(input);
        if (keyset) return keysetBody(await trail.listAfter(actor, search, keyset), keyset, eventBody);
        return pageBody(await trail.list(actor, search, input), input, eventBody);
      },
    }),
    ...forEachPlace(({ kind, path, of }) => [
      endpoint({
        method: 'GET',
        path: `${path}/audit_events`,
        summary: `What happened in a ${kind}${kind === 'group' ? ' and below it' : ''}, newest first; for its owners`,
        pathParams: placeId,
        params: searchParams,
        status: 200,
        response: z.array(eventResponse),
        handle: async (actor, { id, ...input }) => {
          const search = searchOf(input);
          const keyset = keysetOf(input);
          if (keyset)
            return keysetBody(await trail.listOfAfter(actor, of(id), search, keyset), keyset, eventBody);
          return pageBody(await trail.listOf(actor, of(id), search, input), input, eventBody);
        },
      }),
    ]),
  ];
}

/** Undefined where pages go by their numbers. */
function keysetOf({ pagination, cursor, perPage: limit }: Search): Keyset | undefined {
  return pagination === 'keyset' ? { after: cursor, direction: 'desc', limit } : undefined;
}

function searchOf({ createdAfter, createdBefore, ...input }: Search): AuditSearch {
  return {
    createdAfter,
    createdBefore,
    targetType: input.entityType,
    targetId: input.entityId,
    actorId: input.authorId,
    action: input.eventName,
  };
}

function eventBody(event: AuditEvent): AnswerOf<typeof eventResponse> {
  return {
    id: event.id,
    authorId: event.actorId,
    entityType: event.targetType,
    entityId: numberOf(event),
    eventName: event.action,
    details: {
      authorName: event.actorName,
      ipAddress: event.address,
      groupPath: event.groupPath,
      projectPath: event.projectPath,
      targetDetails: event.targetId,
      attributes: event.details,
    },
    createdAt: event.at,
  };
}

/** Whoever fails to sign in gives a name, which may look like a number. */
function numberOf({ action, targetId }: AuditEvent): number | undefined {
  const isNumber = /^\d{1,15}$/.test(targetId) && action !== 'user.sign_in_failed';
  return isNumber ? Number(targetId) : undefined;
}
