/** The protection rules of a project: of repositories, of tags, and of tags that nobody changes. */

import { chosen } from '../../api/choices.ts';
import { useApi, usePage } from '../../api/use-api.ts';
import { rulesTexts as t } from '../../texts/projects.ts';
import { RuleList } from './rule-list.tsx';

export const levels = ['maintainer', 'owner', 'admin'] as const;
const levelsOrNone = ['', ...levels] as const;

export function Protection({ id }: { readonly id: string }) {
  const api = useApi();
  const path = { id };
  const repositories = usePage('GET /projects/{id}/registry/protection/repository/rules', { path });
  const tags = usePage('GET /projects/{id}/registry/protection/tag/rules', { path });
  const immutable = usePage('GET /projects/{id}/registry/protection/tag/immutable_rules', { path });
  return (
    <>
      <RuleList
        title={t.repositoryTitle}
        intro={t.repositoryIntro}
        patternName="repository_path_pattern"
        patternHint={t.repositoryHint(id)}
        levels={levelsOrNone}
        rules={repositories}
        patternOf={(rule) => rule.repository_path_pattern}
        levelsOf={(rule) => [rule.minimum_access_level_for_push, rule.minimum_access_level_for_delete]}
        onAdd={async ({ pattern, push, delete: remove }) => {
          await api.call('POST /projects/{id}/registry/protection/repository/rules', {
            path,
            body: {
              repository_path_pattern: pattern,
              minimum_access_level_for_push: levels.find((each) => each === push),
              minimum_access_level_for_delete: levels.find((each) => each === remove),
            },
          });
        }}
        onRemove={async (protection_rule_id) => {
          await api.call('DELETE /projects/{id}/registry/protection/repository/rules/{protection_rule_id}', {
            path: { id, protection_rule_id },
          });
        }}
      />
      <RuleList
        title={t.tagTitle}
        intro={t.tagIntro}
        patternName="tag_name_pattern"
        patternHint={t.tagHint}
        levels={levels}
        rules={tags}
        patternOf={(rule) => rule.tag_name_pattern}
        levelsOf={(rule) => [rule.minimum_access_level_for_push, rule.minimum_access_level_for_delete]}
        onAdd={async ({ pattern, push, delete: remove }) => {
          await api.call('POST /projects/{id}/registry/protection/tag/rules', {
            path,
            body: {
              tag_name_pattern: pattern,
              minimum_access_level_for_push: chosen(push, levels, 'maintainer'),
              minimum_access_level_for_delete: chosen(remove, levels, 'maintainer'),
            },
          });
        }}
        onRemove={async (protection_rule_id) => {
          await api.call('DELETE /projects/{id}/registry/protection/tag/rules/{protection_rule_id}', {
            path: { id, protection_rule_id },
          });
        }}
      />
      <RuleList
        title={t.immutableTitle}
        intro={t.immutableIntro}
        patternName="tag_name_pattern"
        patternHint={t.tagHint}
        levels={undefined}
        rules={immutable}
        patternOf={(rule) => rule.tag_name_pattern}
        levelsOf={() => []}
        onAdd={async ({ pattern: tag_name_pattern }) => {
          const operation = 'POST /projects/{id}/registry/protection/tag/immutable_rules';
          await api.call(operation, { path, body: { tag_name_pattern } });
        }}
        onRemove={async (rule_id) => {
          const operation = 'DELETE /projects/{id}/registry/protection/tag/immutable_rules/{rule_id}';
          await api.call(operation, { path: { id, rule_id } });
        }}
      />
    </>
  );
}
