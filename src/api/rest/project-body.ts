/** A project as GitLab shows it. */
import { z } from 'zod';
import type { NamedProject } from '../../management/projects.ts';
import { cleanupPolicyBody, cleanupPolicyResponse } from './cleanup-policy-body.ts';
import { formatInstant } from './dates.ts';
import { namespaceBody, namespaceResponse } from './group-body.ts';
import { registryAccessLevel, visibility } from './parameters.ts';
import { type BodyOf, instantText } from './response.ts';

export const projectResponse = z
  .object({
    id: z.int(),
    description: z.string().nullable(),
    name: z.string(),
    name_with_namespace: z.string(),
    path: z.string(),
    path_with_namespace: z.string(),
    created_at: instantText,
    updated_at: instantText,
    last_activity_at: instantText,
    visibility,
    namespace: namespaceResponse,
    web_url: z.url(),
    container_registry_enabled: z.boolean(),
    container_registry_access_level: registryAccessLevel,
    container_registry_image_prefix: z.string(),
    container_registry_quota_bytes: z.int().nullable(),
    container_expiration_policy: cleanupPolicyResponse,
  })
  .meta({ id: 'Project' });

export const projectDetailsResponse = projectResponse
  .extend({
    statistics: z
      .object({ container_registry_size: z.int() })
      .optional()
      .meta({ description: 'Bytes; with `statistics=true`' }),
  })
  .meta({ id: 'ProjectDetails' });

export function projectBody(project: NamedProject, externalUrl: string): BodyOf<typeof projectResponse> {
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
    container_expiration_policy: cleanupPolicyBody(project.cleanupPolicy),
  };
}
