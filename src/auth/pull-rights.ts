/** May someone pull from a repository? What the records say of it is believed for a second. */
import { LRUCache } from 'lru-cache';
import type { Members } from '../metadata/members.ts';
import type { VirtualRegistries } from '../metadata/virtual-registries.ts';
import { isRepositoryName, parseVirtualName } from '../oci/reference.ts';
import { carries, hasScopeFor, mayPullVirtual } from './access.ts';
import type { Identity, UserIdentity } from './identity.ts';

const believedMs = 1000;
const maxRemembered = 10_000;

export interface PullRights {
  /** False too where there is no such repository: who may not pull is not told which it is. */
  mayPull(identity: Identity, name: string): Promise<boolean>;
}

export interface RecordedPullRightsOptions {
  readonly virtualRegistries: Pick<VirtualRegistries, 'find'>;
  readonly members: Pick<Members, 'find'>;
  /** epoch ms */
  readonly now: () => number;
}

interface Question {
  readonly userId: number;
  readonly registryId: number;
}

/** Undefined role: not a member. */
type Standing = { readonly exists: false } | { readonly exists: true; readonly level: number | undefined };

export class RecordedPullRights implements PullRights {
  readonly #options: RecordedPullRightsOptions;
  readonly #standings: LRUCache<string, Standing, Question>;

  constructor(options: RecordedPullRightsOptions) {
    this.#options = options;
    this.#standings = new LRUCache({
      max: maxRemembered,
      ttl: believedMs,
      ttlResolution: 0,
      perf: { now: options.now },
      fetchMethod: (_key, _stale, { context }) => this.#look(context),
    });
  }

  async mayPull(identity: Identity, name: string): Promise<boolean> {
    switch (identity.kind) {
      case 'registry-token':
        return carries(identity, name, 'pull');
      case 'user':
        return this.#mayUserPull(identity, name);
      case 'anonymous':
        return false;
    }
  }

  async #mayUserPull(user: UserIdentity, name: string): Promise<boolean> {
    const virtual = isRepositoryName(name) ? parseVirtualName(name) : undefined;
    if (!virtual || !hasScopeFor(user, 'pull-virtual')) return false;
    const question = { userId: user.userId, registryId: virtual.registryId };
    const standing = await this.#standings.fetch(`${question.userId} ${question.registryId}`, {
      context: question,
    });
    return standing?.exists === true && mayPullVirtual(user, standing.level);
  }

  async #look({ userId, registryId }: Question): Promise<Standing> {
    const { virtualRegistries, members, now } = this.#options;
    const registry = await virtualRegistries.find(registryId);
    if (!registry) return { exists: false };
    const member = await members.find(registry.groupId, userId);
    const current = member && (member.expiresAt === undefined || member.expiresAt > now());
    return { exists: true, level: current ? member.accessLevel : undefined };
  }
}
