/** A group as GitLab shows it. */
import type { GroupSizes, NamedGroup } from '../../management/groups.ts';
import { formatInstant } from './dates.ts';

export function groupBody(group: NamedGroup, externalUrl: string) {
  return {
    id: group.id,
    web_url: groupUrl(group, externalUrl),
    name: group.name,
    path: group.path,
    description: group.description ?? null,
    visibility: group.visibility,
    full_name: group.fullName,
    full_path: group.fullPath,
    parent_id: group.parentId ?? null,
    container_registry_quota_bytes: group.quotaBytes ?? null,
    created_at: formatInstant(group.createdAt),
  };
}

/** As the group that a project is in. */
export function namespaceBody(group: NamedGroup, externalUrl: string) {
  return {
    id: group.id,
    name: group.name,
    path: group.path,
    kind: 'group',
    full_path: group.fullPath,
    parent_id: group.parentId ?? null,
    web_url: groupUrl(group, externalUrl),
  };
}

export function groupStatistics({ hosted, cached }: GroupSizes) {
  return { container_registry_size: hosted, virtual_registries_size: cached };
}

function groupUrl({ fullPath }: NamedGroup, externalUrl: string): string {
  return `${externalUrl}/groups/${fullPath}`;
}
