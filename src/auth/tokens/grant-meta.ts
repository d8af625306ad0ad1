/**
 * What a registry token says of a hosted repository beside its actions, as GitLab's tokens do: whose it is, and which tags its bearer may
 * not touch. It is for whoever else reads our tokens: we ourselves look at the rules again at every use.
 */

import type { ProtectionRules } from '../../metadata/hosted/protection-rules.ts';
import type { Groups } from '../../metadata/namespaces/groups.ts';
import type { Projects } from '../../metadata/namespaces/projects.ts';
import type { Members } from '../../metadata/people/members.ts';
import { protectionLevels } from '../../rules/protection-levels.ts';
import { type GuardedAction, leastLevel, type ProtectionRule } from '../../rules/protection-rule.ts';
import {
  type AnonymousIdentity,
  type GrantMeta,
  type Principal,
  type ScopeGrant,
  userIdOf,
} from '../rights/identity.ts';
import { protectionLevelOf } from '../rights/project-roles.ts';
import { bytesOf, maxPlainBytes } from './token-grants.ts';

export interface GrantMetasOptions {
  readonly groups: Pick<Groups, 'findByPath'>;
  readonly members: Pick<Members, 'levelAt'>;
  readonly projects: Pick<Projects, 'findOwner'>;
  readonly protectionRules: Pick<ProtectionRules, 'list'>;
}

const guarded: readonly GuardedAction[] = ['push', 'delete'];

export class GrantMetas {
  readonly #options: GrantMetasOptions;

  constructor(options: GrantMetasOptions) {
    this.#options = options;
  }

  /** The grants; those that allow changes get their `meta` as long as there is room for it. */
  async addTo(
    who: Principal | AnonymousIdentity,
    grants: readonly ScopeGrant[],
  ): Promise<readonly ScopeGrant[]> {
    if (!grants.some((grant) => changesOf(grant).length > 0)) return grants;
    const described: ScopeGrant[] = [...grants];
    let bytes = bytesOf(grants);
    for (const [index, grant] of grants.entries()) {
      if (bytes > maxPlainBytes) break;
      const meta = await this.#find(who, grant);
      if (!meta || bytes + bytesOf(meta) > maxPlainBytes) continue;
      bytes += bytesOf(meta);
      described[index] = { ...grant, meta };
    }
    return described;
  }

  async #find(who: Principal | AnonymousIdentity, grant: ScopeGrant): Promise<GrantMeta | undefined> {
    const { name } = grant;
    const changes = changesOf(grant);
    if (changes.length === 0) return undefined;
    const { groups, members, projects, protectionRules } = this.#options;
    const project = await projects.findOwner(name);
    if (!project) return undefined;
    const { id, fullPath } = project;
    const userId = userIdOf(who);
    const role = userId === undefined ? undefined : await members.levelAt(fullPath, userId);
    const root = await groups.findByPath(fullPath.slice(0, fullPath.indexOf('/')));
    const level = protectionLevelOf(who, project, role);
    const rules = await protectionRules.list(id);
    return {
      project_path: fullPath,
      project_id: id,
      ...(root && { root_namespace_id: root.id }),
      tag_deny_access_patterns: Object.fromEntries(
        changes.map((action) => [action, deniedPatterns(rules, action, level)]),
      ),
      tag_immutable_patterns: rules.flatMap(({ kind, pattern }) => (kind === 'immutable_tag' ? pattern : [])),
    };
  }
}

/** What the grant allows that rules may forbid. */
function changesOf({ type, actions }: ScopeGrant): readonly GuardedAction[] {
  return type === 'repository' ? guarded.filter((action) => actions.includes(action)) : [];
}

function deniedPatterns(
  rules: readonly ProtectionRule[],
  action: GuardedAction,
  level: number,
): readonly string[] {
  if (level >= protectionLevels.admin) return [];
  return rules.flatMap((rule) =>
    rule.kind === 'tag' && level < leastLevel(rule, action) ? rule.pattern : [],
  );
}
