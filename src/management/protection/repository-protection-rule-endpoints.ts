/** https://docs.gitlab.com/api/container_repository_protection_rules/, under the path of before 17.7 as well */
import { z } from 'zod';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { filled, integer, maxDescriptionLength, projectId, someOf } from '../endpoint/parameters.ts';
import type { AnswerOf, CamelCased } from '../endpoint/wire.ts';
import { protectionLevel, protectionLevelOrNone } from './protection-level.ts';
import type { RepositoryProtectionRuleService, RepositoryRule } from './repository-protection-rules.ts';

const levels = {
  minimum_access_level_for_push: protectionLevelOrNone.optional(),
  minimum_access_level_for_delete: protectionLevelOrNone.optional(),
};
const pattern = filled(maxDescriptionLength);
const newRule = someOf(z.object({ repository_path_pattern: pattern, ...levels }), [
  'minimum_access_level_for_push',
  'minimum_access_level_for_delete',
]);
const ruleChanges = z.object({ repository_path_pattern: pattern.optional(), ...levels });
const ruleId = projectId.extend({ protection_rule_id: integer });
const ruleResponse = z
  .object({
    id: z.int(),
    project_id: z.int(),
    repository_path_pattern: z.string(),
    minimum_access_level_for_push: protectionLevel.nullable(),
    minimum_access_level_for_delete: protectionLevel.nullable(),
  })
  .meta({ id: 'RepositoryProtectionRule' });

const base = '/projects/:id/registry/protection';

export function repositoryProtectionRuleEndpoints(
  rules: RepositoryProtectionRuleService,
): readonly Endpoint[] {
  return [
    ...endpointsAt(`${base}/repository/rules`, rules, false),
    ...endpointsAt(`${base}/rules`, rules, true),
  ];
}

function endpointsAt(
  path: string,
  rules: RepositoryProtectionRuleService,
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
      response: z.array(ruleResponse),
      handle: async (actor, { id }) => (await rules.list(actor, id)).map(ruleBody),
    }),
    endpoint({
      method: 'POST',
      path,
      summary: 'Protect repositories from pushes or deletions',
      pathParams: projectId,
      isOutdated,
      params: newRule,
      status: 201,
      response: ruleResponse,
      errors: [422],
      handle: async (actor, { id, ...given }) =>
        ruleBody(await rules.create(actor, id, { ...given, ...levelsOf(given) })),
    }),
    endpoint({
      method: 'PATCH',
      path: `${path}/:protection_rule_id`,
      summary: 'Change a repository protection rule',
      pathParams: ruleId,
      isOutdated,
      params: ruleChanges,
      status: 200,
      response: ruleResponse,
      errors: [422],
      handle: async (actor, { id, protectionRuleId, ...given }) =>
        ruleBody(await rules.update(actor, id, protectionRuleId, { ...given, ...levelsOf(given) })),
    }),
    endpoint({
      method: 'DELETE',
      path: `${path}/:protection_rule_id`,
      summary: 'Remove a repository protection rule',
      pathParams: ruleId,
      isOutdated,
      status: 204,
      handle: (actor, { id, protectionRuleId }) => rules.remove(actor, id, protectionRuleId),
    }),
  ];
}

function levelsOf(given: CamelCased<z.output<z.ZodObject<typeof levels>>>) {
  return { pushLevel: given.minimumAccessLevelForPush, deleteLevel: given.minimumAccessLevelForDelete };
}

function ruleBody({ levels: least, ...rule }: RepositoryRule): AnswerOf<typeof ruleResponse> {
  return { ...rule, minimumAccessLevelForPush: least.push, minimumAccessLevelForDelete: least.delete };
}
