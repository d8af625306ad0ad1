/** https://docs.gitlab.com/api/container_registry_protection_tag_rules/, and rules of immutable tags, for which GitLab has no REST API. */
import { z } from 'zod';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { filled, integer, maxDescriptionLength, projectId } from '../endpoint/parameters.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import { protectionLevel } from './protection-level.ts';
import type { ProtectedTagRule, TagProtectionRuleService } from './tag-protection-rules.ts';

const pattern = filled(maxDescriptionLength).meta({ description: 'RE2' });
const newImmutable = z.object({ tag_name_pattern: pattern });
const newRule = newImmutable.extend({
  minimum_access_level_for_push: protectionLevel,
  minimum_access_level_for_delete: protectionLevel,
});
const ruleChanges = newRule.partial();
const ruleId = projectId.extend({ protection_rule_id: integer });
const immutableId = projectId.extend({ rule_id: integer });
const immutableResponse = z
  .object({ id: z.int(), project_id: z.int(), tag_name_pattern: z.string() })
  .meta({ id: 'ImmutableTagRule' });
const ruleResponse = immutableResponse
  .extend({
    minimum_access_level_for_push: protectionLevel,
    minimum_access_level_for_delete: protectionLevel,
  })
  .meta({ id: 'TagProtectionRule' });

const base = '/projects/:id/registry/protection/tag';

export function tagProtectionRuleEndpoints(rules: TagProtectionRuleService): readonly Endpoint[] {
  return [
    ...protectedEndpoints(`${base}/rules`, rules),
    ...immutableEndpoints(`${base}/immutable_rules`, rules),
  ];
}

function protectedEndpoints(path: string, rules: TagProtectionRuleService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path,
      summary: 'The tag protection rules of a project that name roles, oldest first',
      pathParams: projectId,
      status: 200,
      response: z.array(ruleResponse),
      handle: async (actor, { id }) => (await rules.listProtected(actor, id)).map(ruleBody),
    }),
    endpoint({
      method: 'POST',
      path,
      summary: 'Protect tags from pushes and deletions',
      pathParams: projectId,
      params: newRule,
      status: 201,
      response: ruleResponse,
      errors: [422],
      handle: async (actor, { id, tagNamePattern, ...given }) => {
        const levels = { push: given.minimumAccessLevelForPush, delete: given.minimumAccessLevelForDelete };
        return ruleBody(await rules.createProtected(actor, id, tagNamePattern, levels));
      },
    }),
    endpoint({
      method: 'PATCH',
      path: `${path}/:protection_rule_id`,
      summary: 'Change a tag protection rule',
      pathParams: ruleId,
      params: ruleChanges,
      status: 200,
      response: ruleResponse,
      errors: [422],
      handle: async (actor, { id, protectionRuleId, tagNamePattern, ...given }) => {
        const changes = {
          tagNamePattern,
          pushLevel: given.minimumAccessLevelForPush,
          deleteLevel: given.minimumAccessLevelForDelete,
        };
        return ruleBody(await rules.updateProtected(actor, id, protectionRuleId, changes));
      },
    }),
    endpoint({
      method: 'DELETE',
      path: `${path}/:protection_rule_id`,
      summary: 'Remove a tag protection rule',
      pathParams: ruleId,
      status: 204,
      handle: (actor, { id, protectionRuleId }) => rules.remove(actor, id, protectionRuleId, 'protected'),
    }),
  ];
}

function immutableEndpoints(path: string, rules: TagProtectionRuleService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path,
      summary: 'The rules of a project that make tags immutable, oldest first',
      pathParams: projectId,
      status: 200,
      response: z.array(immutableResponse),
      handle: (actor, { id }) => rules.listImmutable(actor, id),
    }),
    endpoint({
      method: 'POST',
      path,
      summary: 'Make tags immutable, for everyone',
      pathParams: projectId,
      params: newImmutable,
      status: 201,
      response: immutableResponse,
      errors: [422],
      handle: (actor, { id, tagNamePattern }) => rules.createImmutable(actor, id, tagNamePattern),
    }),
    endpoint({
      method: 'DELETE',
      path: `${path}/:rule_id`,
      summary: 'Let immutable tags be changed and deleted again',
      pathParams: immutableId,
      status: 204,
      handle: (actor, { id, ruleId }) => rules.remove(actor, id, ruleId, 'immutable'),
    }),
  ];
}

function ruleBody({ levels, ...rule }: ProtectedTagRule): AnswerOf<typeof ruleResponse> {
  return { ...rule, minimumAccessLevelForPush: levels.push, minimumAccessLevelForDelete: levels.delete };
}
