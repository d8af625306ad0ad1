/** Who may see figures of the whole hosted registry. */

import { isAdministrator } from '../../auth/rights/access.ts';
import type { Identity, Principal } from '../../auth/rights/identity.ts';
import { statisticsScope } from '../../auth/rights/scope.ts';
import { carries } from '../../auth/tokens/grants.ts';
import type { Principals } from '../../auth/tokens/principals.ts';
import { OciError } from '../../oci/errors.ts';

export class RegistryStatistics {
  readonly #principals: Pick<Principals, 'find'>;

  constructor(principals: Pick<Principals, 'find'>) {
    this.#principals = principals;
  }

  /** Administrators may see them, whatever they sign in with. @throws OciError DENIED */
  async demand(identity: Identity): Promise<void> {
    const principal = await this.#find(identity);
    if (!principal || !isAdministrator(principal, 'read'))
      throw new OciError('DENIED', { detail: 'statistics are for administrators' });
  }

  async #find(identity: Identity): Promise<Principal | undefined> {
    if (identity.kind === 'anonymous') return undefined;
    if (identity.kind !== 'registry-token') return identity;
    const { principal: ref } = identity;
    return ref && carries(identity, statisticsScope) ? this.#principals.find(ref) : undefined;
  }
}
