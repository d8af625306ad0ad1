/** The hosted repositories that someone may pull from, by name: what `_catalog` answers. */

import { leastPullLevel, mayList } from '../../auth/rights/access.ts';
import { type Identity, type Principal, unknownIdentity } from '../../auth/rights/identity.ts';
import { catalogScope } from '../../auth/rights/scope.ts';
import { carries } from '../../auth/tokens/grants.ts';
import type { Principals } from '../../auth/tokens/principals.ts';
import type { Repositories, Viewer } from '../../metadata/hosted/repositories.ts';
import { OciError } from '../../oci/errors.ts';
import type { PageRequest } from '../../oci/repository.ts';

export interface CatalogServiceOptions {
  readonly repositories: Pick<Repositories, 'listNames'>;
  readonly principals: Pick<Principals, 'find'>;
  /** False: everyone sees everything, whoever they are. */
  readonly isLoginRequired: boolean;
  /** Why there is none now; undefined: there is. */
  readonly offReason?: () => Promise<string | undefined>;
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

  /** Repositories that have a manifest. @throws OciError UNAUTHORIZED for nobody, DENIED without the scope for it, and where it is turned off */
  async list(identity: Identity, page: PageRequest): Promise<CatalogPage> {
    const { repositories, isLoginRequired, offReason } = this.#options;
    const detail = await offReason?.();
    if (detail !== undefined) throw new OciError('DENIED', { detail });
    if (!isLoginRequired) return repositories.listNames(undefined, page);
    return repositories.listNames(await this.#findViewer(identity), page);
  }

  /** Whom the catalog is for; undefined: whoever sees everything. */
  async #findViewer(identity: Identity): Promise<Viewer | undefined> {
    if (identity.kind !== 'registry-token') {
      if (identity.kind === 'anonymous') throw new OciError('UNAUTHORIZED', { detail: 'log in first' });
      return viewerOf(identity);
    }
    if (!carries(identity, catalogScope)) throw denied();
    const { principal: ref } = identity;
    // The other token service does not know which of our repositories are whose.
    if (ref?.kind === 'external') return undefined;
    const principal = ref && (await this.#options.principals.find(ref));
    if (!principal) throw denied();
    return viewerOf(principal);
  }
}

/** What they may pull, as the rules of access have it. @throws OciError DENIED */
function viewerOf(who: Principal): Viewer | undefined {
  if (!mayList(who)) throw denied();
  switch (who.kind) {
    case 'user':
      return who.isAdmin ? undefined : { userId: who.userId, leastLevel: leastPullLevel };
    case 'deploy-token':
      return { userId: undefined, leastLevel: leastPullLevel, isOutsider: true, place: who.place };
    case 'job': {
      const place = { kind: 'project', ...who.project } as const;
      return { userId: who.userId, leastLevel: leastPullLevel, place };
    }
    default:
      return unknownIdentity(who);
  }
}

function denied(): OciError {
  const detail = 'to list repositories, an access token needs the scope read_registry or api';
  return new OciError('DENIED', { detail });
}
