/** Job tokens: for one job in one project, for hours at most; made by the API, or in exchange for an ID token. */
import { isAdministrator } from '../../auth/rights/access.ts';
import { type AccessLevel, accessLevels, isAccessLevel } from '../../auth/rights/access-levels.ts';
import type { JobIdentity } from '../../auth/rights/identity.ts';
import { createToken, hashToken } from '../../auth/tokens/token-secret.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Page, Paged } from '../../metadata/db/page.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import type { JobToken, NewJobToken } from '../../metadata/tokens/job-tokens.ts';
import { type Actor, userOf } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { Rights } from '../acting/rights.ts';
import type { NewToken, TokenServiceOptions } from './new-tokens.ts';

export type { JobToken };

export const maxJobTokenSeconds = 24 * 3600;
const defaultJobTokenSeconds = 3600;
/** A token that is exchanged for an ID token lasts no longer, however long that one is good. */
const maxExchangedMs = 3_600_000;
/** For so long, an expired token is told apart from one that never was. */
const keptMs = 24 * 3_600_000;
const sweepMs = 3_600_000;

export interface JobTokenInput {
  readonly name: string;
  /** Undefined: the actor; where that is an administrator without a role in the project, nobody in particular. */
  readonly userId?: number | undefined;
  /** Undefined: an hour. */
  readonly expiresInSeconds?: number | undefined;
  /** Undefined: the user's own, and Developer where there is no user. */
  readonly accessLevel?: AccessLevel | undefined;
}

export class JobTokenService {
  readonly #database: Database;
  readonly #now: () => number;
  readonly #rights = new Rights();
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor({ database, now }: TokenServiceOptions) {
    this.#database = database;
    this.#now = now;
  }

  /**
   * Developers of the project make tokens for themselves; administrators name any member.
   * @throws RefusedError unauthorized, not-found, forbidden, invalid
   */
  async create(actor: Actor, reference: string, input: JobTokenInput): Promise<NewToken<JobToken>> {
    const { name, expiresInSeconds = defaultJobTokenSeconds } = input;
    const expiresAt = this.#now() + expiresInSeconds * 1000;
    await this.#sweep();
    return runChange(this.#database, async (tx) => {
      const project = await this.#getProject(tx, actor, reference, accessLevels.developer);
      const user = await this.#getUser(tx, actor, project, input.userId);
      const { accessLevel = user.id === undefined ? accessLevels.developer : user.level } = input;
      if (accessLevel > user.level) {
        throw new RefusedError('invalid', {
          access_level: ['is above the role of the user in this project'],
        });
      }
      return record(tx, actor, project.fullPath, {
        projectId: project.id,
        userId: user.id,
        accessLevel,
        name,
        expiresAt,
      });
    });
  }

  /** Maintainers of the project see the tokens that still work, newest first. @throws RefusedError unauthorized, not-found, forbidden */
  async list(actor: Actor, reference: string, page: Page): Promise<Paged<JobToken>> {
    const project = await this.#getProject(this.#database, actor, reference, accessLevels.maintainer);
    return this.#database.jobTokens.list({ projectId: project.id, isActive: true }, page);
  }

  /**
   * People revoke their own tokens, Maintainers any of their project; the token is refused at once.
   * @throws RefusedError unauthorized, not-found, forbidden
   */
  async revoke(actor: Actor, reference: string, id: number): Promise<void> {
    await runChange(this.#database, async (tx) => {
      const project = await this.#rights.getProject(tx, actor, reference, 'see');
      const token = await tx.jobTokens.find(id);
      const isMaintainer = await this.#rights.hasRole(tx, actor, project.fullPath, accessLevels.maintainer);
      const isKnown = token?.projectId === project.id;
      if (!isKnown || (token.userId !== userOf(actor).userId && !isMaintainer)) {
        throw new RefusedError('not-found');
      }
      await tx.jobTokens.revoke(id);
      await recordChange(tx, actor, {
        action: 'job_token.revoke',
        targetId: id,
        projectPath: project.fullPath,
        details: { projectId: project.id, name: token.name },
      });
    });
  }

  /**
   * A job token of the same rights as an ID token, until that one's end but for an hour at most.
   * It goes with the trust. Undefined where that is gone already.
   * @param address the client's
   */
  async exchange(job: JobIdentity, address: string | undefined): Promise<NewToken<JobToken> | undefined> {
    const { project, trustId, accessLevel, name } = job;
    const expiresAt = Math.min(job.expiresAt, this.#now() + maxExchangedMs);
    await this.#sweep();
    const values = { projectId: project.id, trustId, accessLevel, name, expiresAt };
    return this.#database.transaction(async (tx) => {
      if (trustId === undefined || !(await tx.oidcTrusts.find(trustId))) return undefined;
      return record(tx, { identity: job, address }, project.fullPath, values);
    });
  }

  /** Where tokens are made they are also cleared away: nobody else has to. */
  async #sweep(): Promise<void> {
    const now = this.#now();
    if (now - this.#sweptAt < sweepMs) return;
    this.#sweptAt = now;
    await this.#database.jobTokens.removeExpired(now - keptMs);
  }

  async #getProject(records: Records, actor: Actor, reference: string, least: AccessLevel): Promise<Project> {
    const project = await this.#rights.getProject(records, actor, reference, 'see');
    if (await this.#rights.hasRole(records, actor, project.fullPath, least)) return project;
    throw new RefusedError('forbidden');
  }

  /** @throws RefusedError forbidden, not-found, invalid where they have no role: a job is never an administrator */
  async #getUser(
    tx: Records,
    actor: Actor,
    { fullPath }: Project,
    named: number | undefined,
  ): Promise<JobUser> {
    const maker = userOf(actor);
    const id = named ?? maker.userId;
    if (id !== maker.userId) {
      if (!isAdministrator(maker, 'write')) {
        throw new RefusedError('forbidden', 'only administrators make job tokens for others');
      }
      if ((await tx.users.find(id))?.state !== 'active') throw new RefusedError('not-found', 'User');
    }
    const level = await tx.members.levelAt(fullPath, id);
    if (level !== undefined && isAccessLevel(level)) return { id, level };
    if (named === undefined) return { id: undefined, level: accessLevels.owner };
    throw new RefusedError('invalid', { user_id: ['has no role in this project: a job needs one'] });
  }
}

/** For whom a job runs, and how far it may go. */
interface JobUser {
  /** Undefined: nobody in particular. */
  readonly id: number | undefined;
  readonly level: AccessLevel;
}

async function record(
  tx: Records,
  actor: Actor,
  projectPath: string,
  values: Omit<NewJobToken, 'tokenHash'>,
): Promise<NewToken<JobToken>> {
  const token = createToken('job');
  const created = await tx.jobTokens.create({ ...values, tokenHash: hashToken(token) });
  const { projectId, trustId, userId, accessLevel, name, expiresAt } = values;
  await recordChange(tx, actor, {
    action: 'job_token.create',
    targetId: created.id,
    projectPath,
    details: {
      projectId,
      name,
      trustId,
      userId,
      accessLevel,
      expiresAt,
    },
  });
  return { record: created, token };
}
