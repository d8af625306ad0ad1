/** What the cleanup policy of a project would do now, tag by tag. */

import { protectionOf } from '../../hosted/changes/protection.ts';
import type { ChangeRules } from '../../hosted/hosted-options.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { CleanupPolicyRecord } from '../../metadata/hosted/cleanup-policies.ts';
import type { RepositoryRecord } from '../../metadata/hosted/repositories.ts';
import { type CleanupPolicy, criteriaOf, policyFrom } from '../../rules/cleanup-policy.ts';
import { selectInParts } from '../../rules/select-in-parts.ts';
import type { KeepRule } from '../../rules/tag-selection.ts';
import type { Actor } from '../acting/actor.ts';
import { Rights } from '../acting/rights.ts';
import { type CleanupPolicyChanges, changedPolicy } from './cleanup-policies.ts';

export interface PreviewedTag {
  readonly repository: string;
  readonly name: string;
  /** When it was pushed last; epoch milliseconds. */
  readonly publishedAt: number;
  /** The rule that keeps it; undefined: it would go. */
  readonly keptBy: KeepRule | undefined;
}

export interface CleanupPreview {
  readonly record: CleanupPolicyRecord | undefined;
  /** What was previewed. */
  readonly policy: CleanupPolicy;
  /** How many there are, of which the first are listed. */
  readonly deleteCount: number;
  readonly keepCount: number;
  readonly delete: readonly PreviewedTag[];
  readonly keep: readonly PreviewedTag[];
}

const maxShown = 10_000;

export interface CleanupPreviewOptions {
  readonly database: Database;
  readonly rules: Pick<ChangeRules, 'tagPatterns'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export class CleanupPreviewService {
  readonly #options: CleanupPreviewOptions;
  readonly #rights = new Rights();

  constructor(options: CleanupPreviewOptions) {
    this.#options = options;
  }

  /**
   * Maintainers see what the policy would do if it were enabled and due; nothing is changed.
   * @param changes to the policy, as if they were made
   * @throws RefusedError not-found, forbidden, invalid
   */
  async preview(actor: Actor, reference: string, changes: CleanupPolicyChanges): Promise<CleanupPreview> {
    const { database, rules, now } = this.#options;
    const { id, fullPath } = await this.#rights.getProject(database, actor, reference, 'write');
    const record = await database.cleanupPolicies.find(id);
    const policy = changedPolicy(policyFrom(record), changes);
    const protection = await protectionOf(
      database,
      { projectId: id, projectPath: fullPath },
      0,
      rules.tagPatterns,
    );
    const tags = { delete: [] as PreviewedTag[], keep: [] as PreviewedTag[] };
    const counts = { delete: 0, keep: 0 };
    const asOf = now();
    for await (const repository of this.#repositories(id)) {
      const decisions = await selectInParts(
        database.tags.readPushed(repository.id, asOf),
        {
          ...criteriaOf(policy, repository.name.slice(fullPath.length + 1)),
          findGuard: (tag) => protection.findTagGuard(repository.name, tag),
        },
        asOf,
      );
      for (const { tag, keptBy } of decisions) {
        const fate = keptBy === undefined ? 'delete' : 'keep';
        counts[fate] += 1;
        const shown = { repository: repository.name, name: tag.name, publishedAt: tag.updatedAt, keptBy };
        if (counts[fate] <= maxShown) tags[fate].push(shown);
      }
    }
    return { record, policy, deleteCount: counts.delete, keepCount: counts.keep, ...tags };
  }

  async *#repositories(projectId: number): AsyncGenerator<RepositoryRecord> {
    for (let after = ''; ; ) {
      const repository = await this.#options.database.repositories.findNext(projectId, after);
      if (!repository) return;
      yield repository;
      after = repository.name;
    }
  }
}
