/** https://docs.gitlab.com/api/audit_events/ */
import { z } from 'zod';
import type { Keyset, Paged } from '../../metadata/db/page.ts';
import type { AuditEvent } from '../../metadata/server/audit-events.ts';
import { formatInstant, instant } from '../endpoint/dates.ts';
import { type Endpoint, wireEndpoint as endpoint } from '../endpoint/endpoint.ts';
import { keysetBodyOf, keysetParams, PagedBody, type PageParams, pageOf } from '../endpoint/pagination.ts';
import { integer, maxNameLength, placeId, textOrNone } from '../endpoint/parameters.ts';
import { forEachPlace } from '../endpoint/place-paths.ts';
import { type BodyOf, instantText } from '../endpoint/response.ts';
import type { AuditSearch, AuditTrail } from './audit.ts';

const searchParams = keysetParams.extend({
  order_by: z.literal('id').default('id'),
  sort: z.literal('desc').default('desc'),
  created_after: instant.optional(),
  created_before: instant.optional(),
  entity_type: textOrNone(maxNameLength),
  entity_id: textOrNone(maxNameLength),
  author_id: integer.optional(),
  event_name: textOrNone(maxNameLength),
});

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
type EventBody = BodyOf<typeof eventResponse>;

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
        if (keyset) return keysetBodyOf(await trail.listAfter(actor, search, keyset), keyset, eventBody);
        return page(await trail.list(actor, search, pageOf(input)), input);
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
            return keysetBodyOf(await trail.listOfAfter(actor, of(id), search, keyset), keyset, eventBody);
          return page(await trail.listOf(actor, of(id), search, pageOf(input)), input);
        },
      }),
    ]),
  ];
}

/** Undefined where pages go by their numbers. */
function keysetOf({ pagination, cursor, per_page }: z.output<typeof searchParams>): Keyset | undefined {
  return pagination === 'keyset' ? { after: cursor, direction: 'desc', limit: per_page } : undefined;
}

function searchOf(input: z.output<typeof searchParams>): AuditSearch {
  return {
    createdAfter: input.created_after ?? undefined,
    createdBefore: input.created_before ?? undefined,
    targetType: input.entity_type,
    targetId: input.entity_id,
    actorId: input.author_id,
    action: input.event_name,
  };
}

function page({ records, total }: Paged<AuditEvent>, params: PageParams): PagedBody<EventBody> {
  return new PagedBody(records.map(eventBody), total, params);
}

function eventBody(event: AuditEvent): EventBody {
  return {
    id: event.id,
    author_id: event.actorId ?? null,
    entity_type: event.targetType,
    entity_id: numberOf(event),
    event_name: event.action,
    details: {
      author_name: event.actorName,
      ip_address: event.address ?? null,
      group_path: event.groupPath ?? null,
      project_path: event.projectPath ?? null,
      target_details: event.targetId,
      attributes: event.details,
    },
    created_at: formatInstant(event.at),
  };
}

/** Whoever fails to sign in gives a name, which may look like a number. */
function numberOf({ action, targetId }: AuditEvent): number | null {
  const isNumber = /^\d{1,15}$/.test(targetId) && action !== 'user.sign_in_failed';
  return isNumber ? Number(targetId) : null;
}
