/** The hosted repositories that someone may pull from, by name: what `_catalog` answers. */
import { carries, leastPullLevel, mayList } from '../auth/access.ts';
import type { Identity } from '../auth/identity.ts';
import { catalogScope } from '../auth/scope.ts';
import type { Repositories } from '../metadata/repositories.ts';
import type { Users } from '../metadata/users.ts';
import { OciError } from '../oci/errors.ts';
import type { PageRequest } from '../oci/repository.ts';

export interface CatalogServiceOptions {
  readonly repositories: Pick<Repositories, 'listNames'>;
  readonly users: Pick<Users, 'find'>;
  /** False: everyone sees everything, whoever they are. */
  readonly isLoginRequired: boolean;
}

export interface CatalogPage {
  /** In byte order. */
  readonly names: readonly string[];
  /** Whether there are names after these. */
  readonly hasMore: boolean;
}

export class CatalogService {
  readonly #options: CatalogServiceOptions;

  constructor(options: CatalogServiceOptions) {
    this.#options = options;
  }

  /** Repositories that have a manifest. @throws OciError UNAUTHORIZED for nobody, DENIED without the scope for it */
  async list(identity: Identity, page: PageRequest): Promise<CatalogPage> {
    const { repositories, isLoginRequired } = this.#options;
    if (!isLoginRequired) return repositories.listNames(undefined, page);
    const { userId, isAdmin } = await this.#identify(identity);
    const visibleTo = isAdmin ? undefined : { userId, leastLevel: leastPullLevel };
    return repositories.listNames(visibleTo, page);
  }

  async #identify(identity: Identity): Promise<{ readonly userId: number; readonly isAdmin: boolean }> {
    switch (identity.kind) {
      case 'anonymous':
        throw new OciError('UNAUTHORIZED', { detail: 'log in first' });
      case 'user':
        if (!mayList(identity)) throw denied();
        return identity;
      case 'registry-token': {
        if (!carries(identity, catalogScope) || identity.userId === undefined) throw denied();
        const user = await this.#options.users.find(identity.userId);
        if (user?.state !== 'active') throw denied();
        return { userId: user.id, isAdmin: user.isAdmin };
      }
    }
  }
}

function denied(): OciError {
  const detail = 'to list repositories, an access token needs the scope read_registry or api';
  return new OciError('DENIED', { detail });
}
