/**
 * https://docs.gitlab.com/api/container_repository_protection_rules/, under the path of before 17.7 as well,
 * https://docs.gitlab.com/api/container_registry_protection_tag_rules/, and rules of immutable tags, for which GitLab has no REST API.
 */
import { z } from 'zod';
import { protectionLevelName, protectionLevels } from '../../rules/protection-levels.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { filled, integer, maxDescriptionLength, projectId, someOf } from '../endpoint/parameters.ts';
import type { ProtectionRuleService, RuleChanges, ShownRule } from './protection-rules.ts';

const levelName = z.enum(['maintainer', 'owner', 'admin']);

/** A role's number; its name on the wire. */
const level = z.codec(levelName, z.number(), {
  decode: (name) => protectionLevels[name],
  encode: (level) => protectionLevelName(level),
});

/** As {@link level}; 0 is null: no role is asked for. */
const levelOrNone = z.codec(levelName.nullable(), z.number(), {
  decode: (name) => (name === null ? 0 : protectionLevels[name]),
  encode: (level) => (level === 0 ? null : protectionLevelName(level)),
});

const levelOrBlank = z.preprocess((value) => (value === '' ? null : value), levelOrNone).optional();
const pattern = filled(maxDescriptionLength);
const ruleId = projectId.extend({ protection_rule_id: integer });

const repositoryLevels = {
  minimum_access_level_for_push: levelOrBlank,
  minimum_access_level_for_delete: levelOrBlank,
};
const newRepositoryRule = someOf(z.object({ repository_path_pattern: pattern, ...repositoryLevels }), [
  'minimum_access_level_for_push',
  'minimum_access_level_for_delete',
]);
const repositoryRuleChanges = z.object({ repository_path_pattern: pattern.optional(), ...repositoryLevels });
const repositoryRuleResponse = z
  .object({
    id: z.int(),
    project_id: z.int(),
    repository_path_pattern: z.string(),
    minimum_access_level_for_push: levelOrNone,
    minimum_access_level_for_delete: levelOrNone,
  })
  .meta({ id: 'RepositoryProtectionRule' });

const newImmutableRule = z.object({ tag_name_pattern: pattern.meta({ description: 'RE2' }) });
const tagLevels = { minimum_access_level_for_push: level, minimum_access_level_for_delete: level };
const newTagRule = newImmutableRule.extend(tagLevels);
const immutableRuleResponse = z
  .object({ id: z.int(), project_id: z.int(), tag_name_pattern: z.string() })
  .meta({ id: 'ImmutableTagRule' });
const tagRuleResponse = immutableRuleResponse.extend(tagLevels).meta({ id: 'TagProtectionRule' });

const base = '/projects/:id/registry/protection';

export function protectionRuleEndpoints(rules: ProtectionRuleService): readonly Endpoint[] {
  return [
    ...repositoryRuleEndpoints(`${base}/repository/rules`, rules, false),
    ...repositoryRuleEndpoints(`${base}/rules`, rules, true),
    ...tagRuleEndpoints(`${base}/tag/rules`, rules),
    ...immutableRuleEndpoints(`${base}/tag/immutable_rules`, rules),
  ];
}

function repositoryRuleEndpoints(
  path: string,
  rules: ProtectionRuleService,
  isOutdated: boolean,
): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path,
      summary: 'The repository protection rules of a project, oldest first',
      pathParams: projectId,
      isOutdated,
      status: 200,
      response: z.array(repositoryRuleResponse),
      handle: async (actor, { id }) => (await rules.list(actor, id, 'repository')).map(ruleBody),
    }),
    endpoint({
      method: 'POST',
      path,
      summary: 'Protect repositories from pushes or deletions',
      pathParams: projectId,
      isOutdated,
      params: newRepositoryRule,
      status: 201,
      response: repositoryRuleResponse,
      errors: [422],
      handle: async (actor, { id, repositoryPathPattern, ...given }) => {
        const rule = { pattern: repositoryPathPattern, ...levelsOf(given) };
        return ruleBody(await rules.create(actor, id, 'repository', rule));
      },
    }),
    endpoint({
      method: 'PATCH',
      path: `${path}/:protection_rule_id`,
      summary: 'Change a repository protection rule',
      pathParams: ruleId,
      isOutdated,
      params: repositoryRuleChanges,
      status: 200,
      response: repositoryRuleResponse,
      errors: [422],
      handle: async (actor, { id, protectionRuleId, repositoryPathPattern, ...given }) => {
        const changes = { pattern: repositoryPathPattern, ...levelsOf(given) };
        return ruleBody(await rules.update(actor, id, 'repository', protectionRuleId, changes));
      },
    }),
    endpoint({
      method: 'DELETE',
      path: `${path}/:protection_rule_id`,
      summary: 'Remove a repository protection rule',
      pathParams: ruleId,
      isOutdated,
      status: 204,
      handle: (actor, { id, protectionRuleId }) => rules.remove(actor, id, 'repository', protectionRuleId),
    }),
  ];
}

function tagRuleEndpoints(path: string, rules: ProtectionRuleService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path,
      summary: 'The tag protection rules of a project that name roles, oldest first',
      pathParams: projectId,
      status: 200,
      response: z.array(tagRuleResponse),
      handle: async (actor, { id }) => (await rules.list(actor, id, 'tag')).map(ruleBody),
    }),
    endpoint({
      method: 'POST',
      path,
      summary: 'Protect tags from pushes and deletions',
      pathParams: projectId,
      params: newTagRule,
      status: 201,
      response: tagRuleResponse,
      errors: [422],
      handle: async (actor, { id, tagNamePattern, ...given }) =>
        ruleBody(await rules.create(actor, id, 'tag', { pattern: tagNamePattern, ...levelsOf(given) })),
    }),
    endpoint({
      method: 'PATCH',
      path: `${path}/:protection_rule_id`,
      summary: 'Change a tag protection rule',
      pathParams: ruleId,
      params: newTagRule.partial(),
      status: 200,
      response: tagRuleResponse,
      errors: [422],
      handle: async (actor, { id, protectionRuleId, tagNamePattern, ...given }) => {
        const changes = { pattern: tagNamePattern, ...levelsOf(given) };
        return ruleBody(await rules.update(actor, id, 'tag', protectionRuleId, changes));
      },
    }),
    endpoint({
      method: 'DELETE',
      path: `${path}/:protection_rule_id`,
      summary: 'Remove a tag protection rule',
      pathParams: ruleId,
      status: 204,
      handle: (actor, { id, protectionRuleId }) => rules.remove(actor, id, 'tag', protectionRuleId),
    }),
  ];
}

function immutableRuleEndpoints(path: string, rules: ProtectionRuleService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path,
      summary: 'The rules of a project that make tags immutable, oldest first',
      pathParams: projectId,
      status: 200,
      response: z.array(immutableRuleResponse),
      handle: async (actor, { id }) => (await rules.list(actor, id, 'immutable_tag')).map(ruleBody),
    }),
    endpoint({
      method: 'POST',
      path,
      summary: 'Make tags immutable, for everyone',
      pathParams: projectId,
      params: newImmutableRule,
      status: 201,
      response: immutableRuleResponse,
      errors: [422],
      handle: async (actor, { id, tagNamePattern: pattern }) =>
        ruleBody(await rules.create(actor, id, 'immutable_tag', { pattern })),
    }),
    endpoint({
      method: 'DELETE',
      path: `${path}/:rule_id`,
      summary: 'Let immutable tags be changed and deleted again',
      pathParams: projectId.extend({ rule_id: integer }),
      status: 204,
      handle: (actor, { id, ruleId }) => rules.remove(actor, id, 'immutable_tag', ruleId),
    }),
  ];
}

function levelsOf(given: {
  readonly minimumAccessLevelForPush?: number | undefined;
  readonly minimumAccessLevelForDelete?: number | undefined;
}): Omit<RuleChanges, 'pattern'> {
  return { pushLevel: given.minimumAccessLevelForPush, deleteLevel: given.minimumAccessLevelForDelete };
}

/** What answers of any kind are written from. */
function ruleBody({ pattern, pushLevel, deleteLevel, ...rule }: ShownRule) {
  return {
    ...rule,
    repositoryPathPattern: pattern,
    tagNamePattern: pattern,
    minimumAccessLevelForPush: pushLevel,
    minimumAccessLevelForDelete: deleteLevel,
  };
}
