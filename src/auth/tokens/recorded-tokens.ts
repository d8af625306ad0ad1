/** Looks tokens up among the records by their hashes. What was found is believed for a second, and uses are noted to the minute. */
import type { Users } from '../../metadata/people/users.ts';
import type { AccessTokens } from '../../metadata/tokens/access-tokens.ts';
import type { DeployTokens } from '../../metadata/tokens/deploy-tokens.ts';
import type { JobTokens } from '../../metadata/tokens/job-tokens.ts';
import type { Log } from '../../observe/log.ts';
import { type Refusal, refuse } from '../credentials/refusal.ts';
import { Beliefs, type BeliefsOptions } from '../rights/beliefs.ts';
import type { DeployTokenIdentity, JobIdentity, UserIdentity } from '../rights/identity.ts';
import { identifyDeployToken, identifyJob, identifyTokenOwner } from './token-bearers.ts';
import { hashToken } from './token-secret.ts';

const usePrecisionMs = 60_000;

export interface RecordedTokensOptions extends BeliefsOptions {
  readonly accessTokens: Pick<AccessTokens, 'findByHash' | 'noteUse'>;
  readonly deployTokens: Pick<DeployTokens, 'findByHash' | 'noteUse'>;
  readonly jobTokens: Pick<JobTokens, 'findByHash'>;
  readonly users: Pick<Users, 'find'>;
  readonly log: Log;
}

interface UsedToken {
  readonly id: number;
  readonly lastUsedAt: number | undefined;
}

export class RecordedTokens {
  readonly #options: RecordedTokensOptions;
  readonly #owners: Beliefs<UserIdentity | Refusal>;
  readonly #deployTokens: Beliefs<DeployTokenIdentity | Refusal>;
  readonly #jobs: Beliefs<JobIdentity | Refusal>;

  constructor(options: RecordedTokensOptions) {
    this.#options = options;
    this.#owners = new Beliefs(options);
    this.#deployTokens = new Beliefs(options);
    this.#jobs = new Beliefs(options);
  }

  /** Whose access token it is: a user's, or that of the bot of a group or project. */
  verifyAccessToken(token: string): Promise<UserIdentity | Refusal> {
    const { accessTokens, users, now } = this.#options;
    return believed(this.#owners, token, async (tokenHash) => {
      const record = await accessTokens.findByHash(tokenHash);
      const owner = await identifyTokenOwner(record, users, now());
      if (record && owner.kind === 'user') await this.#noteUse(record, accessTokens);
      return owner;
    });
  }

  verifyDeployToken(token: string): Promise<DeployTokenIdentity | Refusal> {
    const { deployTokens, now } = this.#options;
    return believed(this.#deployTokens, token, async (tokenHash) => {
      const record = await deployTokens.findByHash(tokenHash);
      const identity = identifyDeployToken(record, now());
      if (record && identity.kind === 'deploy-token') await this.#noteUse(record, deployTokens);
      return identity;
    });
  }

  verifyJobToken(token: string): Promise<JobIdentity | Refusal> {
    const { jobTokens, users, now } = this.#options;
    return believed(this.#jobs, token, async (tokenHash) =>
      identifyJob(await jobTokens.findByHash(tokenHash), users, now()),
    );
  }

  /** Notes a use; one that cannot be noted is still a use. */
  async #noteUse({ id, lastUsedAt = 0 }: UsedToken, records: Pick<AccessTokens, 'noteUse'>): Promise<void> {
    const { log, now } = this.#options;
    if (now() - lastUsedAt < usePrecisionMs) return;
    try {
      await records.noteUse(id, now());
    } catch (error) {
      log.warn({ err: error, tokenId: id }, 'the use of a token could not be noted');
    }
  }
}

async function believed<I extends object>(
  answers: Beliefs<I | Refusal>,
  token: string,
  look: (tokenHash: string) => Promise<I | Refusal>,
): Promise<I | Refusal> {
  const tokenHash = hashToken(token);
  return (await answers.find(tokenHash, () => look(tokenHash)))?.value ?? refuse('unknown');
}
