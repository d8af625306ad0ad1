/** A group as GitLab shows it. */
import { z } from 'zod';
import type { Actor } from '../acting/actor.ts';
import { instantText } from '../endpoint/dates.ts';
import { visibility } from '../endpoint/parameters.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import type { GroupSizes, NamedGroup } from './groups.ts';

export const groupResponse = z
  .object({
    id: z.int(),
    web_url: z.url(),
    name: z.string(),
    path: z.string(),
    description: z.string().nullable(),
    visibility,
    full_name: z.string(),
    full_path: z.string(),
    parent_id: z.int().nullable(),
    container_registry_quota_bytes: z.int().nullable(),
    virtual_registries_enabled: z.boolean(),
    created_at: instantText,
  })
  .meta({ id: 'Group' });

/** To those without a token less is shown. */
export const shownGroupResponse = groupResponse
  .partial({ container_registry_quota_bytes: true, virtual_registries_enabled: true })
  .meta({ id: 'ShownGroup' });

export const groupDetailsResponse = shownGroupResponse
  .extend({
    statistics: z
      .object({ container_registry_size: z.int(), virtual_registries_size: z.int() })
      .optional()
      .meta({ description: 'Bytes; with `statistics=true`' }),
  })
  .meta({ id: 'GroupDetails' });

export const namespaceResponse = z
  .object({
    id: z.int(),
    name: z.string(),
    path: z.string(),
    kind: z.enum(['group', 'user']),
    full_path: z.string(),
    parent_id: z.int().nullable(),
    web_url: z.url(),
  })
  .meta({ id: 'Namespace' });

/** As {@link groupBody}, as far as whoever asks may see it. */
export function shownGroupBody(
  { identity }: Actor,
  group: NamedGroup,
  externalUrl: string,
): AnswerOf<typeof shownGroupResponse> {
  if (identity.kind !== 'anonymous') return groupBody(group, externalUrl);
  return { ...knownOf(group), webUrl: groupUrl(group, externalUrl) };
}

/** What names of repositories tell everybody of a group that is not public: its path, and no name. */
export function knownOf(group: NamedGroup): NamedGroup {
  return {
    ...group,
    name: group.visibility === 'public' ? group.name : group.path,
    fullName: group.isOpen ? group.fullName : group.fullPath.replaceAll('/', ' / '),
  };
}

export function groupBody(group: NamedGroup, externalUrl: string): AnswerOf<typeof groupResponse> {
  return {
    ...group,
    webUrl: groupUrl(group, externalUrl),
    containerRegistryQuotaBytes: group.quotaBytes ?? null,
  };
}

/** The group as the namespace that a project is in. */
export function namespaceBody(group: NamedGroup, externalUrl: string): AnswerOf<typeof namespaceResponse> {
  const kind = group.userId === undefined ? 'group' : 'user';
  return { ...group, kind, webUrl: groupUrl(group, externalUrl) };
}

export function groupStatistics({ hosted, cached }: GroupSizes) {
  return { containerRegistrySize: hosted, virtualRegistriesSize: cached };
}

function groupUrl({ fullPath }: NamedGroup, externalUrl: string): string {
  return `${externalUrl}/groups/${fullPath}`;
}
