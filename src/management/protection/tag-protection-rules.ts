/** Which tags of a project are protected, and which are immutable: rules and their changes. */
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { TagProtectionRule } from '../../metadata/hosted/tag-protection-rules.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import { protectionLevelName } from '../../rules/protection-levels.ts';
import { TagPattern, TagPatternError } from '../../rules/tag-pattern.ts';
import type { TagLevels } from '../../rules/tag-protection.ts';
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

/** protected: for the roles that it names. immutable: for nobody; such a rule is made and removed, never changed. */
export type TagRuleKind = 'protected' | 'immutable';

export interface ProtectedTagRule {
  readonly id: number;
  readonly projectId: number;
  readonly tagNamePattern: string;
  readonly levels: TagLevels;
}

export type ImmutableTagRule = Omit<ProtectedTagRule, 'levels'>;

/** What is undefined stays as it is. */
export interface TagRuleChanges {
  readonly tagNamePattern?: string | undefined;
  readonly pushLevel?: number | undefined;
  readonly deleteLevel?: number | undefined;
}

const attribute = 'Tag name pattern';
const maxPatternLength = 100;
/** Of both kinds together. */
const maxPerProject = 5;

export class TagProtectionRuleService {
  readonly #database: Database;

  constructor({ database }: { readonly database: Database }) {
    this.#database = database;
  }

  /** Those that name roles, oldest first. For Maintainers. @throws RefusedError unauthorized, not-found, forbidden */
  async listProtected(actor: Actor, reference: string): Promise<readonly ProtectedTagRule[]> {
    const { id } = await getProjectToRead(this.#database, actor, reference);
    const rules = await this.#database.tagProtectionRules.list(id);
    return rules.flatMap(({ levels, ...rule }) => (levels ? { ...rule, levels } : []));
  }

  /** As {@link listProtected}, those of the other kind. */
  async listImmutable(actor: Actor, reference: string): Promise<readonly ImmutableTagRule[]> {
    const { id } = await getProjectToRead(this.#database, actor, reference);
    const rules = await this.#database.tagProtectionRules.list(id);
    return rules.flatMap(({ levels, ...rule }) => (levels ? [] : rule));
  }

  /** For Maintainers. @throws RefusedError unauthorized, not-found, forbidden, unprocessable */
  async createProtected(
    actor: Actor,
    reference: string,
    tagNamePattern: string,
    levels: TagLevels,
  ): Promise<ProtectedTagRule> {
    return { ...(await this.#create(actor, reference, tagNamePattern, levels)), levels };
  }

  /** For Owners. @throws RefusedError unauthorized, not-found, forbidden, unprocessable */
  createImmutable(actor: Actor, reference: string, tagNamePattern: string): Promise<ImmutableTagRule> {
    return this.#create(actor, reference, tagNamePattern, undefined);
  }

  /** For Maintainers. @throws RefusedError unauthorized, not-found, forbidden, unprocessable */
  updateProtected(
    actor: Actor,
    reference: string,
    id: number,
    { tagNamePattern, pushLevel, deleteLevel }: TagRuleChanges,
  ): Promise<ProtectedTagRule> {
    return runRuleChange(this.#database, attribute, async (tx) => {
      const project = await getProjectToChange(tx, actor, reference, 'write');
      const before = await getRule(tx, project, id, 'protected');
      if (tagNamePattern !== undefined) demandPattern(tagNamePattern);
      const levels = {
        push: pushLevel ?? before.levels?.push ?? 0,
        delete: deleteLevel ?? before.levels?.delete ?? 0,
      };
      const values = { tagNamePattern: tagNamePattern ?? before.tagNamePattern, levels };
      const rule = await tx.tagProtectionRules.update(id, values);
      if (!rule) throw new RefusedError('not-found');
      await record(tx, actor, 'update', rule, project);
      return { ...rule, levels };
    });
  }

  /** A protected one for Maintainers, an immutable one for Owners. @throws RefusedError unauthorized, not-found, forbidden */
  remove(actor: Actor, reference: string, id: number, kind: TagRuleKind): Promise<void> {
    return runRuleChange(this.#database, attribute, async (tx) => {
      const project = await getProjectToChange(tx, actor, reference, needOf(kind));
      const rule = await getRule(tx, project, id, kind);
      await tx.tagProtectionRules.remove(id);
      await record(tx, actor, 'delete', rule, project);
    });
  }

  #create(
    actor: Actor,
    reference: string,
    tagNamePattern: string,
    levels: TagLevels | undefined,
  ): Promise<TagProtectionRule> {
    return runRuleChange(this.#database, attribute, async (tx) => {
      const need = needOf(levels ? 'protected' : 'immutable');
      const project = await getProjectToChange(tx, actor, reference, need);
      demandPattern(tagNamePattern);
      const { length } = await tx.tagProtectionRules.list(project.id);
      if (length >= maxPerProject) throw unprocessable(tooManyRules);
      const rule = await tx.tagProtectionRules.create(project.id, { tagNamePattern, levels });
      await record(tx, actor, 'create', rule, project);
      return rule;
    });
  }
}

function needOf(kind: TagRuleKind): 'write' | 'own' {
  return kind === 'immutable' ? 'own' : 'write';
}

/** @throws RefusedError not-found, also for a rule of another project or of the other kind */
async function getRule(
  tx: Records,
  project: Project,
  id: number,
  kind: TagRuleKind,
): Promise<TagProtectionRule> {
  const rule = await tx.tagProtectionRules.find(id);
  if (rule?.projectId !== project.id || kindOf(rule) !== kind) throw new RefusedError('not-found');
  return rule;
}

function kindOf({ levels }: TagProtectionRule): TagRuleKind {
  return levels ? 'protected' : 'immutable';
}

/** @throws RefusedError unprocessable */
function demandPattern(pattern: string): void {
  if (pattern.length > maxPatternLength)
    throw unprocessable(`${attribute} is too long (maximum is ${maxPatternLength} characters)`);
  try {
    TagPattern.parse(pattern);
  } catch (error) {
    if (!(error instanceof TagPatternError)) throw error;
    throw unprocessable(`${attribute} not valid RE2 syntax: ${error.message}`);
  }
}

async function record(
  tx: Records,
  actor: Actor,
  change: 'create' | 'update' | 'delete',
  rule: TagProtectionRule,
  { id, fullPath }: Project,
): Promise<void> {
  const { tagNamePattern, levels } = rule;
  const kind = levels ? 'tag_protection_rule' : 'immutable_tag_rule';
  await recordChange(tx, actor, {
    action: `${kind}.${change}`,
    targetId: rule.id,
    details: {
      projectId: id,
      tagNamePattern,
      ...(levels && {
        minimumAccessLevelForPush: protectionLevelName(levels.push),
        minimumAccessLevelForDelete: protectionLevelName(levels.delete),
      }),
    },
    projectPath: fullPath,
  });
}
