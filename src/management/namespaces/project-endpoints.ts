/** https://docs.gitlab.com/api/projects/ */
import { z } from 'zod';
import type { ProjectOrder } from '../../metadata/namespaces/project-filter.ts';
import type { RegistryAccessLevel } from '../../metadata/namespaces/projects.ts';
import { cleanupPolicyChangesOf, cleanupPolicyParams } from '../cleanup/cleanup-policy-body.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { idOf } from '../endpoint/named-ids.ts';
import { continuedBody, keysetLink, keysetParams, pageBody, pageParams } from '../endpoint/pagination.ts';
import {
  filled,
  groupId,
  integer,
  maxDescriptionLength,
  maxNameLength,
  orNone,
  outdated,
  projectId,
  quota,
  registryAccessLevel,
  someOf,
  text,
  textOrNone,
  truth,
  visibility,
} from '../endpoint/parameters.ts';
import { accepted, acceptedResponse } from '../endpoint/response.ts';
import type { CamelCased } from '../endpoint/wire.ts';
import {
  projectBody,
  projectDetailsResponse,
  projectResponse,
  shownProjectBody,
  shownProjectResponse,
} from './project-body.ts';
import type { NamedProject, ProjectSearch, ProjectService } from './projects.ts';

const orders = {
  id: 'id',
  name: 'name',
  path: 'path',
  created_at: 'createdAt',
  updated_at: 'updatedAt',
  last_activity_at: 'updatedAt',
} as const satisfies Record<string, ProjectOrder['by']>;
const filter = pageParams.extend({
  search: text(maxNameLength).optional(),
  visibility: visibility.optional(),
  id_after: integer.optional(),
  id_before: integer.optional(),
  order_by: z.enum(['id', 'name', 'path', 'created_at', 'updated_at', 'last_activity_at']).optional(),
  sort: z.enum(['asc', 'desc']).optional(),
});
type Filter = CamelCased<z.output<typeof filter>>;
/** Pages by keyset go by number. */
const allFilter = filter
  .extend({ pagination: keysetParams.shape.pagination })
  .refine(({ pagination, order_by = 'id' }) => pagination !== 'keyset' || order_by === 'id', {
    path: ['order_by'],
    error: 'does not have a valid value',
  });
/** `container_registry_enabled` is what GitLab had before the access level. */
const registrySettings = {
  container_registry_access_level: registryAccessLevel.optional(),
  container_expiration_policy_attributes: cleanupPolicyParams.optional(),
  container_registry_enabled: outdated(truth.optional(), 'container_registry_access_level'),
};
const newProject = someOf(
  z.object({
    name: textOrNone(maxNameLength),
    path: textOrNone(maxNameLength),
    namespace_id: idOf('group').optional(),
    description: orNone(text(maxDescriptionLength).nullable()),
    visibility: visibility.default('private'),
    ...registrySettings,
  }),
  ['name', 'path'],
);
const projectChanges = someOf(
  z.object({
    name: filled(maxNameLength).optional(),
    path: filled(maxNameLength).optional(),
    description: text(maxDescriptionLength).nullish(),
    visibility: visibility.optional(),
    ...registrySettings,
    container_registry_quota_bytes: quota.optional(),
  }),
);

export function projectEndpoints(projects: ProjectService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/projects',
      summary: 'The projects that one may know of, by path',
      params: allFilter,
      status: 200,
      isPublic: true,
      response: z.array(shownProjectResponse),
      handle: async (actor, { pagination, ...given }, { externalUrl }) => {
        const bodyOf = (project: NamedProject) => shownProjectBody(actor, project, externalUrl);
        if (pagination === 'keyset') {
          const { sort: direction = 'desc', perPage: limit } = given;
          const keyset = { after: undefined, direction, limit };
          const { records, hasMore } = await projects.listAfter(actor, searchOf(given), keyset);
          const last = hasMore ? records.at(-1)?.id : undefined;
          return continuedBody(
            records.map(bodyOf),
            last === undefined
              ? undefined
              : {
                  ...keysetLink(limit, direction),
                  [direction === 'asc' ? 'id_after' : 'id_before']: String(last),
                },
          );
        }
        return pageBody(await projects.list(actor, searchOf(given), orderOf(given), given), given, bodyOf);
      },
    }),
    endpoint({
      method: 'GET',
      path: '/groups/:id/projects',
      summary: 'The projects of a group that one may know of, by path',
      pathParams: groupId,
      params: filter.extend({ include_subgroups: truth.default(false) }),
      status: 200,
      isPublic: true,
      response: z.array(shownProjectResponse),
      handle: async (actor, { id, includeSubgroups, ...given }, { externalUrl }) => {
        const scope = includeSubgroups ? 'with-subgroups' : 'alone';
        const found = await projects.listInGroup(actor, id, scope, searchOf(given), orderOf(given), given);
        return pageBody(found, given, (project) => shownProjectBody(actor, project, externalUrl));
      },
    }),
    endpoint({
      method: 'POST',
      path: '/projects',
      summary: 'Create a project, in a group or in one’s own namespace',
      params: newProject,
      status: 201,
      response: projectResponse,
      handle: async (
        actor,
        { namespaceId: groupId, name, path, description, visibility, ...given },
        { externalUrl },
      ) => {
        const project = await projects.create(actor, {
          groupId,
          name,
          path,
          description,
          visibility,
          ...registrySettingsOf(given),
        });
        return projectBody(project, externalUrl);
      },
    }),
    endpoint({
      method: 'GET',
      path: '/projects/:id',
      summary: 'A project',
      pathParams: projectId,
      params: z.object({ statistics: truth.default(false) }),
      status: 200,
      isPublic: true,
      response: projectDetailsResponse,
      handle: async (actor, { id, statistics }, { externalUrl }) => {
        const project = await projects.get(actor, id);
        const size = statistics ? await projects.findSize(actor, project) : undefined;
        const measured = size === undefined ? {} : { statistics: { containerRegistrySize: size } };
        return { ...shownProjectBody(actor, project, externalUrl), ...measured };
      },
    }),
    endpoint({
      method: 'PUT',
      path: '/projects/:id',
      summary: 'Change a project',
      pathParams: projectId,
      params: projectChanges,
      status: 200,
      response: projectResponse,
      handle: async (actor, { id, name, path, description, visibility, ...given }, { externalUrl }) => {
        const project = await projects.update(actor, id, {
          name,
          path,
          description,
          visibility,
          ...registrySettingsOf(given),
          quotaBytes: given.containerRegistryQuotaBytes,
        });
        return projectBody(project, externalUrl);
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/projects/:id',
      summary: 'Delete a project with its repositories',
      pathParams: projectId,
      status: 202,
      response: acceptedResponse,
      handle: async (actor, { id }, { unmodifiedSince }) => {
        await projects.remove(actor, id, unmodifiedSince);
        return accepted;
      },
    }),
  ];
}

function searchOf({ search, visibility, idAfter, idBefore }: Filter): ProjectSearch {
  return { search, visibility, idAfter, idBefore };
}

function orderOf({ orderBy, sort }: Filter): ProjectOrder {
  if (orderBy === undefined) return { by: 'fullPath', direction: sort ?? 'asc' };
  return { by: orders[orderBy], direction: sort ?? 'desc' };
}

function registrySettingsOf(given: CamelCased<z.output<z.ZodObject<typeof registrySettings>>>) {
  const { containerRegistryAccessLevel: level, containerRegistryEnabled: isEnabled } = given;
  const policy = given.containerExpirationPolicyAttributes;
  const legacy = isEnabled === undefined ? undefined : legacyLevelOf(isEnabled);
  return {
    containerRegistryAccessLevel: level ?? legacy,
    cleanupPolicy: policy && cleanupPolicyChangesOf(policy),
  };
}

function legacyLevelOf(isEnabled: boolean): RegistryAccessLevel {
  return isEnabled ? 'enabled' : 'disabled';
}
