/** A project as GitLab shows it. */
import { z } from 'zod';
import type { Actor } from '../acting/actor.ts';
import { cleanupPolicyBody, cleanupPolicyResponse } from '../cleanup/cleanup-policy-body.ts';
import { instantText } from '../endpoint/dates.ts';
import { registryAccessLevel, visibility } from '../endpoint/parameters.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import { knownOf, namespaceBody, namespaceResponse } from './group-body.ts';
import type { NamedProject } from './projects.ts';

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

/** To those without a token less is shown, as GitLab has it. */
export const shownProjectResponse = projectResponse
  .partial({
    updated_at: true,
    container_registry_enabled: true,
    container_registry_access_level: true,
    container_registry_image_prefix: true,
    container_registry_quota_bytes: true,
    container_expiration_policy: true,
  })
  .meta({ id: 'ShownProject' });

export const projectDetailsResponse = shownProjectResponse
  .extend({
    statistics: z
      .object({ container_registry_size: z.int() })
      .optional()
      .meta({ description: 'Bytes; with `statistics=true`' }),
  })
  .meta({ id: 'ProjectDetails' });

/** As {@link projectBody}, as far as whoever asks may see it. */
export function shownProjectBody(
  { identity }: Actor,
  project: NamedProject,
  externalUrl: string,
): AnswerOf<typeof shownProjectResponse> {
  if (identity.kind !== 'anonymous') return projectBody(project, externalUrl);
  return basicBody({ ...project, group: knownOf(project.group) }, externalUrl);
}

/** What is shown to everyone, a token or not. */
function basicBody(
  { updatedAt, containerRegistryAccessLevel: _level, ...project }: NamedProject,
  externalUrl: string,
) {
  const { group, fullPath } = project;
  return {
    ...project,
    nameWithNamespace: `${group.fullName} / ${project.name}`,
    pathWithNamespace: fullPath,
    lastActivityAt: updatedAt,
    namespace: namespaceBody(group, externalUrl),
    webUrl: `${externalUrl}/${fullPath}`,
  };
}

export function projectBody(project: NamedProject, externalUrl: string): AnswerOf<typeof projectResponse> {
  const { containerRegistryAccessLevel, updatedAt, fullPath } = project;
  return {
    ...basicBody(project, externalUrl),
    updatedAt,
    containerRegistryEnabled: containerRegistryAccessLevel !== 'disabled',
    containerRegistryAccessLevel,
    containerRegistryImagePrefix: `${new URL(externalUrl).host}/${fullPath}`,
    containerRegistryQuotaBytes: project.quotaBytes ?? null,
    containerExpirationPolicy: cleanupPolicyBody(project.cleanupPolicy),
  };
}
