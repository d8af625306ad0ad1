/** Which job of which project a job token stands for. */

import type { Users } from '../../metadata/people/users.ts';
import type { JobToken, JobTokens } from '../../metadata/tokens/job-tokens.ts';
import { type Refusal, refuse } from '../credentials/refusal.ts';
import { isAccessLevel } from '../rights/access-levels.ts';
import { Beliefs, type BeliefsOptions } from '../rights/beliefs.ts';
import type { JobIdentity } from '../rights/identity.ts';
import { findFault } from './recorded-tokens.ts';
import { hashAccessToken } from './token-secret.ts';

export interface JobTokenVerifierOptions extends BeliefsOptions {
  readonly jobTokens: Pick<JobTokens, 'findByHash'>;
  readonly users: Pick<Users, 'find'>;
}

export class JobTokenVerifier {
  readonly #options: JobTokenVerifierOptions;
  readonly #answers: Beliefs<JobIdentity | Refusal>;

  constructor(options: JobTokenVerifierOptions) {
    this.#options = options;
    this.#answers = new Beliefs(options);
  }

  async verify(token: string): Promise<JobIdentity | Refusal> {
    const { jobTokens, users, now } = this.#options;
    const tokenHash = hashAccessToken(token);
    const answer = await this.#answers.find(tokenHash, async () =>
      identifyJob(await jobTokens.findByHash(tokenHash), users, now()),
    );
    return answer?.value ?? refuse('unknown');
  }
}

/** A job ends with its user: blocked, or gone. @param now epoch ms */
export async function identifyJob(
  token: JobToken | undefined,
  users: Pick<Users, 'find'>,
  now: number,
): Promise<JobIdentity | Refusal> {
  if (!token || !isAccessLevel(token.accessLevel)) return refuse('unknown', 'there is no such job token');
  const fault = findFault(token, now);
  if (fault) return fault;
  const { id: jobTokenId, userId, trustId, name, accessLevel, expiresAt } = token;
  const project = { id: token.projectId, fullPath: token.projectPath };
  if (userId !== undefined) {
    const user = await users.find(userId);
    if (!user) return refuse('unknown', 'the user of the job is gone');
    if (user.state === 'blocked') return refuse('blocked');
  }
  return { kind: 'job', jobTokenId, trustId, name, userId, isAdmin: false, project, accessLevel, expiresAt };
}
