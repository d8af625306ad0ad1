/** Wires /gitlab/v1: what GitLab's container registry answers beside /v2. */
import { createGitlabRouter } from '../api/gitlab/router.ts';
import type { GitlabOptions } from '../api/gitlab/services.ts';
import type { RepositoryRights } from '../auth/rights/repository-rights.ts';
import type { Principals } from '../auth/tokens/principals.ts';
import { RegistryStatistics } from '../management/namespaces/registry-statistics.ts';
import { RepositoryRenames } from '../management/repositories/repository-renames.ts';
import type { Database } from '../metadata/db/database.ts';
import type { TagPatterns } from '../rules/tag-protection.ts';

export interface GitlabParts extends Pick<GitlabOptions, 'access' | 'inventory' | 'maintenance'> {
  readonly database: Database;
  readonly rights: RepositoryRights;
  readonly principals: Principals;
  /** Drops what is believed of virtual registries. */
  readonly forgetAll: () => void;
  readonly tagPatterns: TagPatterns;
  readonly now: () => number;
}

export function createGitlabApi(parts: GitlabParts) {
  return createGitlabRouter({
    ...parts,
    renames: new RepositoryRenames({ ...parts, caches: { forgetGroup: parts.forgetAll } }),
    statistics: new RegistryStatistics(parts.principals),
  });
}
