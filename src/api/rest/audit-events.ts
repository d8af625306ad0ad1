/** https://docs.gitlab.com/api/audit_events/ */
import type { AuditTrail } from '../../management/audit.ts';
import type { AuditEvent } from '../../metadata/audit-events.ts';
import { formatInstant } from './dates.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { PagedBody, pageOf, pageParams } from './pagination.ts';
import { maxNameLength, text } from './parameters.ts';

const filter = pageParams.extend({
  entity_type: text(maxNameLength).optional(),
  entity_id: text(maxNameLength).optional(),
});

export function auditEventEndpoints(trail: AuditTrail): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/audit_events',
      summary: 'Who changed what, newest first; for administrators',
      params: filter,
      status: 200,
      handle: async (actor, { entity_type: targetType, entity_id: targetId, ...page }) => {
        const { records, total } = await trail.list(actor, { targetType, targetId }, pageOf(page));
        return new PagedBody(records.map(eventBody), total, page);
      },
    }),
  ];
}

function eventBody(event: AuditEvent) {
  return {
    id: event.id,
    author_id: event.actorId ?? null,
    entity_type: event.targetType,
    entity_id: event.targetId,
    event_name: event.action,
    details: { author_name: event.actorName, ip_address: event.address ?? null, change: event.details },
    created_at: formatInstant(event.at),
  };
}
