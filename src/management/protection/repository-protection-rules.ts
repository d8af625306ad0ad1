/** Which repositories of a project are protected: rules and their changes. */
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import type {
  RepositoryProtectionRule,
  RepositoryRuleValues,
} from '../../metadata/hosted/repository-protection-rules.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import { protectionLevelName } from '../../rules/protection-levels.ts';
import type { RepositoryLevels } from '../../rules/repository-protection.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { RefusedError } from '../acting/refused-error.ts';
import {
  getProjectToChange,
  getProjectToRead,
  runRuleChange,
  tooManyRules,
  unprocessable,
} from './protection-changes.ts';

/** A rule with its pattern as people write it, from the project's full path on. */
export interface RepositoryRule {
  readonly id: number;
  readonly projectId: number;
  readonly repositoryPathPattern: string;
  readonly levels: RepositoryLevels;
}

/** What is undefined stays as it is, or is none in a new rule; null: none. */
export interface RepositoryRuleChanges {
  readonly repositoryPathPattern?: string | undefined;
  readonly pushLevel?: number | null | undefined;
  readonly deleteLevel?: number | null | undefined;
}

export type NewRepositoryRule = RepositoryRuleChanges & { readonly repositoryPathPattern: string };

const attribute = 'Repository path pattern';
const maxPatternLength = 255;
const maxPerProject = 100;
const patternPattern = /^[a-z0-9._/*-]*$/;

export class RepositoryProtectionRuleService {
  readonly #database: Database;

  constructor({ database }: { readonly database: Database }) {
    this.#database = database;
  }

  /** All of the project, oldest first. For Maintainers. @throws RefusedError unauthorized, not-found, forbidden */
  async list(actor: Actor, reference: string): Promise<readonly RepositoryRule[]> {
    const project = await getProjectToRead(this.#database, actor, reference);
    const rules = await this.#database.repositoryProtectionRules.list(project.id);
    return rules.map((rule) => shown(rule, project));
  }

  /** For Maintainers. @throws RefusedError unauthorized, not-found, forbidden, unprocessable */
  create(actor: Actor, reference: string, rule: NewRepositoryRule): Promise<RepositoryRule> {
    return runRuleChange(this.#database, attribute, async (tx) => {
      const project = await getProjectToChange(tx, actor, reference, 'write');
      const { length } = await tx.repositoryProtectionRules.list(project.id);
      const values = changed(
        { push: undefined, delete: undefined },
        rule,
        rule.repositoryPathPattern,
        project,
      );
      if (length >= maxPerProject) throw unprocessable(tooManyRules);
      const created = await tx.repositoryProtectionRules.create(project.id, values);
      await record(tx, actor, 'create', created, project);
      return shown(created, project);
    });
  }

  /** For Maintainers. @throws RefusedError unauthorized, not-found, forbidden, unprocessable */
  update(
    actor: Actor,
    reference: string,
    id: number,
    changes: RepositoryRuleChanges,
  ): Promise<RepositoryRule> {
    return runRuleChange(this.#database, attribute, async (tx) => {
      const project = await getProjectToChange(tx, actor, reference, 'write');
      const before = await getRule(tx, project, id);
      const pattern = changes.repositoryPathPattern ?? shown(before, project).repositoryPathPattern;
      const values = changed(before.levels, changes, pattern, project);
      const rule = await tx.repositoryProtectionRules.update(id, values);
      if (!rule) throw new RefusedError('not-found');
      await record(tx, actor, 'update', rule, project);
      return shown(rule, project);
    });
  }

  /** For Maintainers. @throws RefusedError unauthorized, not-found, forbidden */
  remove(actor: Actor, reference: string, id: number): Promise<void> {
    return runRuleChange(this.#database, attribute, async (tx) => {
      const project = await getProjectToChange(tx, actor, reference, 'write');
      const rule = await getRule(tx, project, id);
      await tx.repositoryProtectionRules.remove(id);
      await record(tx, actor, 'delete', rule, project);
    });
  }
}

/** @throws RefusedError not-found, also for a rule of another project */
async function getRule(tx: Records, project: Project, id: number): Promise<RepositoryProtectionRule> {
  const rule = await tx.repositoryProtectionRules.find(id);
  if (rule?.projectId !== project.id) throw new RefusedError('not-found');
  return rule;
}

/** @throws RefusedError unprocessable, with all that is wrong */
function changed(
  before: RepositoryLevels,
  { pushLevel, deleteLevel }: RepositoryRuleChanges,
  pattern: string,
  { fullPath }: Project,
): RepositoryRuleValues {
  const path = pattern.toLowerCase();
  const levels = {
    push: pushLevel === undefined ? before.push : (pushLevel ?? undefined),
    delete: deleteLevel === undefined ? before.delete : (deleteLevel ?? undefined),
  };
  const faults: string[] = [];
  if (path.length > maxPatternLength)
    faults.push(`${attribute} is too long (maximum is ${maxPatternLength} characters)`);
  if (!path.startsWith(fullPath)) faults.push(`${attribute} should start with the project's full path`);
  if (!patternPattern.test(path)) {
    faults.push(
      `${attribute} should be a valid container repository path with optional wildcard characters.`,
    );
  }
  if (levels.push === undefined && levels.delete === undefined)
    faults.push('A rule must have at least a minimum access role for push or delete.');
  if (faults.length > 0) throw unprocessable(...faults);
  return { pathPattern: path.slice(fullPath.length), levels };
}

function shown(
  { id, projectId, pathPattern, levels }: RepositoryProtectionRule,
  { fullPath }: Project,
): RepositoryRule {
  return { id, projectId, repositoryPathPattern: fullPath + pathPattern, levels };
}

async function record(
  tx: Records,
  actor: Actor,
  change: 'create' | 'update' | 'delete',
  rule: RepositoryProtectionRule,
  project: Project,
): Promise<void> {
  const { push, delete: remove } = rule.levels;
  await recordChange(tx, actor, {
    action: `repository_protection_rule.${change}`,
    targetId: rule.id,
    details: {
      projectId: project.id,
      repositoryPathPattern: shown(rule, project).repositoryPathPattern,
      minimumAccessLevelForPush: push === undefined ? undefined : protectionLevelName(push),
      minimumAccessLevelForDelete: remove === undefined ? undefined : protectionLevelName(remove),
    },
    projectPath: project.fullPath,
  });
}
