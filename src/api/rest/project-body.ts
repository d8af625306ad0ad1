/** A project as GitLab shows it. */
import type { NamedProject } from '../../management/projects.ts';
import { formatInstant } from './dates.ts';
import { namespaceBody } from './group-body.ts';

export function projectBody(project: NamedProject, externalUrl: string) {
  const { group, fullPath } = project;
  const changed = formatInstant(project.updatedAt);
  return {
    id: project.id,
    description: project.description ?? null,
    name: project.name,
    name_with_namespace: `${group.fullName} / ${project.name}`,
    path: project.path,
    path_with_namespace: fullPath,
    created_at: formatInstant(project.createdAt),
    updated_at: changed,
    last_activity_at: changed,
    visibility: project.visibility,
    namespace: namespaceBody(group, externalUrl),
    web_url: `${externalUrl}/${fullPath}`,
    container_registry_enabled: project.containerRegistryAccessLevel !== 'disabled',
    container_registry_access_level: project.containerRegistryAccessLevel,
    container_registry_image_prefix: `${new URL(externalUrl).host}/${fullPath}`,
    container_registry_quota_bytes: project.quotaBytes ?? null,
  };
}
