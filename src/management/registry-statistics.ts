/** Who may see figures of the whole hosted registry. */
import { isAdministrator } from '../auth/access.ts';
import { carries } from '../auth/grants.ts';
import type { Identity, Principal } from '../auth/identity.ts';
import type { Principals } from '../auth/principals.ts';
import { statisticsScope } from '../auth/scope.ts';
import { OciError } from '../oci/errors.ts';

export class RegistryStatistics {
  readonly #principals: Pick<Principals, 'find'>;

  constructor(principals: Pick<Principals, 'find'>) {
    this.#principals = principals;
  }

  /** For administrators, whatever they come with. @throws OciError DENIED */
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
