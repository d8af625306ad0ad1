/** Which group or project a deploy token stands for. */

import type { DeployToken, DeployTokens } from '../../metadata/tokens/deploy-tokens.ts';
import type { Log } from '../../observe/log.ts';
import { type Refusal, refuse } from '../credentials/refusal.ts';
import { Beliefs, type BeliefsOptions } from '../rights/beliefs.ts';
import { type DeployTokenIdentity, isTokenScope } from '../rights/identity.ts';
import { findFault, noteUse } from './recorded-tokens.ts';
import { hashAccessToken } from './token-secret.ts';

export interface DeployTokenVerifierOptions extends BeliefsOptions {
  readonly deployTokens: Pick<DeployTokens, 'findByHash' | 'noteUse'>;
  readonly log: Log;
}

export class DeployTokenVerifier {
  readonly #options: DeployTokenVerifierOptions;
  readonly #answers: Beliefs<DeployTokenIdentity | Refusal>;

  constructor(options: DeployTokenVerifierOptions) {
    this.#options = options;
    this.#answers = new Beliefs(options);
  }

  /** The token is good with its own username only. */
  async verify(username: string, token: string): Promise<DeployTokenIdentity | Refusal> {
    const tokenHash = hashAccessToken(token);
    const answer = await this.#answers.find(tokenHash, () => this.#look(tokenHash));
    if (answer?.value.kind === 'deploy-token' && answer.value.username !== username)
      return refuse('unknown', 'the deploy token goes with another username');
    return answer?.value ?? refuse('unknown');
  }

  async #look(tokenHash: string): Promise<DeployTokenIdentity | Refusal> {
    const { deployTokens, log, now } = this.#options;
    const token = await deployTokens.findByHash(tokenHash);
    const identity = identifyDeployToken(token, now());
    if (token && identity.kind === 'deploy-token') await noteUse(token, { records: deployTokens, log, now });
    return identity;
  }
}

/** @param now epoch ms */
export function identifyDeployToken(
  token: DeployToken | undefined,
  now: number,
): DeployTokenIdentity | Refusal {
  if (!token) return refuse('unknown', 'there is no such deploy token');
  const { id: tokenId, username, scopes, place } = token;
  return (
    findFault(token, now) ?? {
      kind: 'deploy-token',
      tokenId,
      username,
      scopes: scopes.filter(isTokenScope),
      place,
    }
  );
}
