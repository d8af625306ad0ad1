import type { ApiCall, ApiCalls, ApiWorld } from './api-world.ts';

const push = { minimum_access_level_for_push: 'maintainer' };
const both = { ...push, minimum_access_level_for_delete: 'owner' };

/** Of a project of its own, where there is room for another rule. */
async function rule(
  world: ApiWorld,
  kind: string,
  name: string,
  body: (projectPath: string) => object,
  changes?: object,
): Promise<ApiCall> {
  const id = await world.makeProject();
  const { path_with_namespace } = await world.get<{ path_with_namespace: string }>(`/projects/${id}`);
  const made = await world.make(`/projects/${id}/registry/protection/${kind}`, body(path_with_namespace));
  return { path: { id: String(id), [name]: made.id }, ...(changes && { body: changes }) };
}

function repositoryCalls(kind: string): ApiCalls {
  const path = `/projects/{id}/registry/protection/${kind}`;
  const body = (projectPath: string) => ({ repository_path_pattern: `${projectPath}/*`, ...push });
  return {
    [`GET ${path}`]: ({ projectPath }) => ({ path: { id: projectPath } }),
    [`POST ${path}`]: (world) => ({
      path: { id: world.projectPath },
      body: { repository_path_pattern: `${world.projectPath}/${world.name()}*`, ...push },
    }),
    [`PATCH ${path}/{protection_rule_id}`]: (world) => rule(world, kind, 'protection_rule_id', body, both),
    [`DELETE ${path}/{protection_rule_id}`]: (world) => rule(world, kind, 'protection_rule_id', body),
  };
}

const tagPath = '/projects/{id}/registry/protection/tag';
const tagBody = () => ({ tag_name_pattern: '^v', ...both });
const immutableBody = () => ({ tag_name_pattern: '^v' });

export const protectionCalls: ApiCalls = {
  ...repositoryCalls('repository/rules'),
  ...repositoryCalls('rules'),
  [`GET ${tagPath}/rules`]: ({ projectPath }) => ({ path: { id: projectPath } }),
  [`POST ${tagPath}/rules`]: ({ projectPath }) => ({ path: { id: projectPath }, body: tagBody() }),
  [`PATCH ${tagPath}/rules/{protection_rule_id}`]: (world) =>
    rule(world, 'tag/rules', 'protection_rule_id', tagBody, push),
  [`DELETE ${tagPath}/rules/{protection_rule_id}`]: (world) =>
    rule(world, 'tag/rules', 'protection_rule_id', tagBody),
  [`GET ${tagPath}/immutable_rules`]: ({ projectPath }) => ({ path: { id: projectPath } }),
  [`POST ${tagPath}/immutable_rules`]: async (world) => ({
    path: { id: String(await world.makeProject()) },
    body: immutableBody(),
  }),
  [`DELETE ${tagPath}/immutable_rules/{rule_id}`]: (world) =>
    rule(world, 'tag/immutable_rules', 'rule_id', immutableBody),
};
