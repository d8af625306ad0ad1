/** Which repositories and tags of a project are protected, and which tags are immutable: rules and their changes. */
import { accessLevels } from '../../auth/rights/access-levels.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { ProtectionRule, RuleValues } from '../../metadata/hosted/protection-rules.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import { protectionLevelName } from '../../rules/protection-levels.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { Rights } from '../acting/rights.ts';
import { type RuleKind, ruleKinds } from './rule-kinds.ts';

/** A rule with its pattern as people write it: of repositories, from the project's full path on. */
export type ShownRule = Omit<ProtectionRule, 'kind' | 'createdAt'>;

/** What is undefined stays as it is, or is 0 in a new rule: any role will do. */
export interface RuleChanges {
  readonly pattern?: string | undefined;
  readonly pushLevel?: number | undefined;
  readonly deleteLevel?: number | undefined;
}

export class ProtectionRuleService {
  readonly #database: Database;
  readonly #rights = new Rights();

  constructor({ database }: { readonly database: Database }) {
    this.#database = database;
  }

  /**
   * Maintainers see the rules of the kind, oldest first; other members learn of a rule when they meet it.
   * @throws RefusedError unauthorized, not-found, forbidden
   */
  async list(actor: Actor, reference: string, kind: RuleKind): Promise<readonly ShownRule[]> {
    const project = await this.#rights.getProject(this.#database, actor, reference, 'see');
    if (!(await this.#rights.hasRole(this.#database, actor, project.fullPath, accessLevels.maintainer)))
      throw new RefusedError('forbidden');
    const rules = await this.#database.protectionRules.list(project.id);
    return rules.filter((rule) => rule.kind === kind).map((rule) => shown(rule, project));
  }

  /** Maintainers make rules, and Owners those of immutable tags. @throws RefusedError unauthorized, not-found, forbidden, unprocessable */
  create(
    actor: Actor,
    reference: string,
    kind: RuleKind,
    rule: RuleChanges & { readonly pattern: string },
  ): Promise<ShownRule> {
    return runChange(this.#database, async (tx) => {
      const project = await this.#getProjectToChange(tx, actor, reference, kind);
      const alike = await listAlike(tx, project, kind);
      const values = parseRule(kind, rule, project);
      if (alike.length >= ruleKinds[kind].maxPerProject)
        throw unprocessable('Maximum number of protection rules have been reached.');
      demandUnique(alike, kind, values);
      const created = await tx.protectionRules.create({ projectId: project.id, kind, ...values });
      await record(tx, actor, 'create', created, project);
      return shown(created, project);
    });
  }

  /** As {@link create}. */
  update(
    actor: Actor,
    reference: string,
    kind: RuleKind,
    id: number,
    changes: RuleChanges,
  ): Promise<ShownRule> {
    return runChange(this.#database, async (tx) => {
      const project = await this.#getProjectToChange(tx, actor, reference, kind);
      const alike = await listAlike(tx, project, kind);
      const before = getRule(alike, kind, id);
      const { pattern = shown(before, project).pattern, pushLevel, deleteLevel } = changes;
      const values = parseRule(
        kind,
        { pattern, pushLevel: pushLevel ?? before.pushLevel, deleteLevel: deleteLevel ?? before.deleteLevel },
        project,
      );
      demandUnique(
        alike.filter((rule) => rule !== before),
        kind,
        values,
      );
      await tx.protectionRules.update(id, values);
      const rule = { ...before, ...values };
      await record(tx, actor, 'update', rule, project);
      return shown(rule, project);
    });
  }

  /** As {@link create}. @throws RefusedError unauthorized, not-found, forbidden */
  remove(actor: Actor, reference: string, kind: RuleKind, id: number): Promise<void> {
    return runChange(this.#database, async (tx) => {
      const project = await this.#getProjectToChange(tx, actor, reference, kind);
      const rule = getRule(await listAlike(tx, project, kind), kind, id);
      await tx.protectionRules.remove(id);
      await record(tx, actor, 'delete', rule, project);
    });
  }

  /** The project is held: which rules there are stays so until the transaction ends. */
  async #getProjectToChange(tx: Records, actor: Actor, reference: string, kind: RuleKind): Promise<Project> {
    const project = await this.#rights.getProject(tx, actor, reference, ruleKinds[kind].need);
    if (!(await tx.projects.hold(project.id))) throw new RefusedError('not-found', 'Project');
    return project;
  }
}

/** The rules of this and of other kinds with such patterns. */
async function listAlike(tx: Records, { id }: Project, kind: RuleKind): Promise<readonly ProtectionRule[]> {
  const { attribute } = ruleKinds[kind];
  const rules = await tx.protectionRules.list(id);
  return rules.filter((rule) => ruleKinds[rule.kind].attribute === attribute);
}

/** @throws RefusedError not-found, also for a rule of another project or of another kind */
function getRule(rules: readonly ProtectionRule[], kind: RuleKind, id: number): ProtectionRule {
  const found = rules.find((rule) => rule.id === id && rule.kind === kind);
  if (!found) throw new RefusedError('not-found');
  return found;
}

/** @throws RefusedError unprocessable, with all that is wrong */
function parseRule(
  kind: RuleKind,
  { pattern, pushLevel = 0, deleteLevel = 0 }: RuleChanges & { readonly pattern: string },
  { fullPath }: Project,
): RuleValues {
  const { recorded, faults } = ruleKinds[kind].parse(pattern, fullPath);
  const asksForNoRole = kind !== 'immutable_tag' && pushLevel === 0 && deleteLevel === 0;
  const sentences = asksForNoRole
    ? [...faults, 'A rule must have at least a minimum access role for push or delete.']
    : faults;
  if (sentences.length > 0) throw unprocessable(...sentences);
  return { pattern: recorded, pushLevel, deleteLevel };
}

/** @throws RefusedError unprocessable */
function demandUnique(others: readonly ProtectionRule[], kind: RuleKind, { pattern }: RuleValues): void {
  if (others.some((rule) => rule.pattern === pattern))
    throw unprocessable(`${ruleKinds[kind].attribute} has already been taken`);
}

/** GitLab refuses rules with whole sentences. */
function unprocessable(...sentences: readonly string[]): RefusedError {
  return new RefusedError('unprocessable', { error: sentences });
}

function shown({ kind, createdAt, ...rule }: ProtectionRule, { fullPath }: Project): ShownRule {
  return { ...rule, pattern: kind === 'repository' ? fullPath + rule.pattern : rule.pattern };
}

async function record(
  tx: Records,
  actor: Actor,
  change: 'create' | 'update' | 'delete',
  rule: ProtectionRule,
  project: Project,
): Promise<void> {
  const { auditedRule, auditedPattern } = ruleKinds[rule.kind];
  await recordChange(tx, actor, {
    action: `${auditedRule}.${change}`,
    targetId: rule.id,
    details: {
      projectId: project.id,
      [auditedPattern]: shown(rule, project).pattern,
      minimumAccessLevelForPush: levelName(rule.pushLevel),
      minimumAccessLevelForDelete: levelName(rule.deleteLevel),
    },
    projectPath: project.fullPath,
  });
}

function levelName(level: number): string | undefined {
  return level === 0 ? undefined : protectionLevelName(level);
}
