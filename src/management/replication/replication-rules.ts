/** Rules of a project that copy tags to another registry or from one; for Maintainers, by whose rights they act. */
import type { Database } from '../../metadata/db/database.ts';
import type { Page, Paged } from '../../metadata/db/page.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import type { ReplicationRule } from '../../metadata/replication/replication-rules.ts';
import type { ReplicationRun } from '../../metadata/replication/replication-runs.ts';
import type { ReplicationStatus, ReplicationTag } from '../../metadata/replication/replication-tags.ts';
import { replicationTask } from '../../replication/replication-task.ts';
import { type Actor, userOf } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { Rights } from '../acting/rights.ts';
import type { UpstreamSecrets } from '../registries/upstream-settings.ts';
import type { FindBlockedAddress } from '../registries/upstream-url.ts';
import {
  changedRule,
  describeRule,
  type NewReplicationInput,
  newRule,
  type ReplicationChanges,
} from './replication-input.ts';

export interface ReplicationServiceOptions {
  readonly database: Database;
  readonly secrets: UpstreamSecrets;
  readonly findBlockedAddress: FindBlockedAddress;
  /** Runs a task soon. */
  readonly wake: (task: string) => void;
}

const maxRules = 50;

export class ReplicationService {
  readonly #options: ReplicationServiceOptions;
  readonly #rights = new Rights();

  constructor(options: ReplicationServiceOptions) {
    this.#options = options;
  }

  /** Oldest first. @throws RefusedError not-found, forbidden */
  async list(actor: Actor, project: string): Promise<readonly ReplicationRule[]> {
    const { database } = this.#options;
    const { id } = await this.#rights.getProject(database, actor, project, 'write');
    return database.replicationRules.list(id);
  }

  /** @throws RefusedError not-found, forbidden */
  async get(actor: Actor, project: string, id: number): Promise<ReplicationRule> {
    return (await this.#get(this.#options.database, actor, project, id)).rule;
  }

  /** @throws RefusedError not-found, forbidden, invalid */
  async create(actor: Actor, project: string, input: NewReplicationInput): Promise<ReplicationRule> {
    const creatorId = userOf(actor).userId;
    const rule = await this.#change(async (tx) => {
      const { id, fullPath } = await this.#rights.getProject(tx, actor, project, 'write');
      // The project is held, so that of two at once both are counted.
      await tx.projects.hold(id);
      if ((await tx.replicationRules.list(id)).length >= maxRules)
        throw new RefusedError('invalid', {
          base: [`${maxRules} replication rules is the maximum allowed per project: delete one.`],
        });
      const made = await tx.replicationRules.create(id, {
        ...newRule(actor, input, this.#options),
        creatorId,
      });
      await record(tx, actor, 'replication_rule.create', made, fullPath);
      return made;
    });
    return rule;
  }

  /** Whoever changes a rule is by whose rights it acts from then on. @throws RefusedError not-found, forbidden, invalid */
  async update(
    actor: Actor,
    project: string,
    id: number,
    input: ReplicationChanges,
  ): Promise<ReplicationRule> {
    const creatorId = userOf(actor).userId;
    return this.#change(async (tx) => {
      const { rule: known, fullPath } = await this.#get(tx, actor, project, id);
      const changes = { ...changedRule(actor, known, input, this.#options), creatorId };
      const rule = await tx.replicationRules.update(known, changes);
      if (!rule) throw new RefusedError('not-found');
      await record(tx, actor, 'replication_rule.update', rule, fullPath, {
        password: input.password ? 'set' : undefined,
      });
      return rule;
    });
  }

  /** With what came of it; what was copied stays. @throws RefusedError not-found, forbidden */
  async remove(actor: Actor, project: string, id: number): Promise<void> {
    await this.#change(async (tx) => {
      const { rule, fullPath } = await this.#get(tx, actor, project, id);
      await tx.replicationRules.remove(id);
      await record(tx, actor, 'replication_rule.delete', rule, fullPath);
    });
  }

  /** Has all tags that the rule is for looked at, in the run that is open or in a new one. @throws RefusedError not-found, forbidden, conflict */
  async run(actor: Actor, project: string, id: number): Promise<ReplicationRun> {
    return this.#change(async (tx) => {
      const { rule, fullPath } = await this.#get(tx, actor, project, id);
      if (!rule.enabled) throw new RefusedError('conflict', 'the replication rule is turned off');
      const runId = await tx.replicationRuns.request(id, 'manual');
      await record(tx, actor, 'replication_rule.run', rule, fullPath);
      return getRun(tx, id, runId);
    });
  }

  /** Newest first. @throws RefusedError not-found, forbidden */
  async listRuns(actor: Actor, project: string, id: number, page: Page): Promise<Paged<ReplicationRun>> {
    const { database } = this.#options;
    await this.#get(database, actor, project, id);
    return database.replicationRuns.list(id, page);
  }

  /** @throws RefusedError not-found, forbidden */
  async listTags(
    actor: Actor,
    project: string,
    {
      id,
      runId,
      status,
    }: { readonly id: number; readonly runId: number; readonly status?: ReplicationStatus | undefined },
    page: Page,
  ): Promise<Paged<ReplicationTag>> {
    const { database } = this.#options;
    await this.#get(database, actor, project, id);
    await getRun(database, id, runId);
    return database.replicationTags.list(runId, status, page);
  }

  async #change<T>(change: (tx: Records) => Promise<T>): Promise<T> {
    const changed = await runChange(this.#options.database, change);
    this.#options.wake(replicationTask);
    return changed;
  }

  async #get(
    records: Records,
    actor: Actor,
    project: string,
    id: number,
  ): Promise<Pick<Project, 'fullPath'> & { readonly rule: ReplicationRule }> {
    const { id: projectId, fullPath } = await this.#rights.getProject(records, actor, project, 'write');
    const rule = await records.replicationRules.find(id);
    if (rule?.projectId !== projectId) throw new RefusedError('not-found');
    return { rule, fullPath };
  }
}

/** @throws RefusedError not-found */
async function getRun(
  { replicationRuns }: Pick<Records, 'replicationRuns'>,
  ruleId: number,
  id: number,
): Promise<ReplicationRun> {
  const run = await replicationRuns.find(ruleId, id);
  if (!run) throw new RefusedError('not-found');
  return run;
}

function record(
  tx: Records,
  actor: Actor,
  action: string,
  rule: ReplicationRule,
  projectPath: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const details = { ...describeRule(rule), ...more };
  return recordChange(tx, actor, { action, targetId: rule.id, details, projectPath });
}
