import { createToken, hashToken } from '../../../src/auth/tokens/token-secret.ts';
import type { User } from '../../../src/metadata/people/users.ts';
import type { AccessToken } from '../../../src/metadata/tokens/access-tokens.ts';
import type { DeployToken } from '../../../src/metadata/tokens/deploy-tokens.ts';
import type { JobToken } from '../../../src/metadata/tokens/job-tokens.ts';
import type { OidcTrust } from '../../../src/metadata/tokens/oidc-trusts.ts';

/** Users and their tokens in memory, counting how often they are asked for. */
export class RecordedAccounts {
  readonly usersById = new Map<number, User>();
  readonly tokensByHash = new Map<string, AccessToken>();
  readonly deployTokensByHash = new Map<string, DeployToken>();
  readonly jobTokensByHash = new Map<string, JobToken>();
  readonly trustsById = new Map<number, OidcTrust>();
  readonly uses: { readonly id: number; readonly at: number }[] = [];
  reads = 0;
  readonly revision = { current: 0 };

  readonly users = {
    find: async (id: number) => this.#read(this.usersById.get(id)),
    findByUsername: async (username: string) =>
      this.#read([...this.usersById.values()].find((user) => user.username === username)),
  };

  readonly accessTokens = {
    find: async (id: number) => this.#read([...this.tokensByHash.values()].find((token) => token.id === id)),
    findByHash: async (hash: string) => this.#read(this.tokensByHash.get(hash)),
    noteUse: async (id: number, at: number) => {
      this.uses.push({ id, at });
      for (const [hash, token] of this.tokensByHash) {
        if (token.id === id) this.tokensByHash.set(hash, { ...token, lastUsedAt: at });
      }
    },
  };

  readonly deployTokens = {
    find: async (id: number) =>
      this.#read([...this.deployTokensByHash.values()].find((token) => token.id === id)),
    findByHash: async (hash: string) => this.#read(this.deployTokensByHash.get(hash)),
    noteUse: async (id: number, at: number) => {
      this.uses.push({ id, at });
    },
  };

  readonly jobTokens = {
    find: async (id: number) =>
      this.#read([...this.jobTokensByHash.values()].find((token) => token.id === id)),
    findByHash: async (hash: string) => this.#read(this.jobTokensByHash.get(hash)),
  };

  readonly oidcTrusts = { find: async (id: number) => this.#read(this.trustsById.get(id)) };

  addUser(username: string, fields: Partial<User> = {}): User {
    const user: User = {
      id: this.usersById.size + 1,
      username,
      name: username,
      email: undefined,
      state: 'active',
      isAdmin: false,
      passwordHash: undefined,
      kind: 'human',
      botGroupId: undefined,
      botProjectId: undefined,
      createdAt: 0,
      updatedAt: 0,
      ...fields,
    };
    this.usersById.set(user.id, user);
    return user;
  }

  change(user: User, fields: Partial<User>): void {
    this.usersById.set(user.id, { ...user, ...fields });
  }

  /** The token's text. */
  addToken(owner: User, fields: Partial<AccessToken> = {}): string {
    const text = createToken('access');
    const token: AccessToken = {
      id: 100 + this.tokensByHash.size,
      userId: owner.id,
      name: 'a token',
      description: undefined,
      scopes: ['read_virtual_registry'],
      createdAt: 0,
      expiresAt: undefined,
      revokedAt: undefined,
      lastUsedAt: undefined,
      ...fields,
    };
    this.tokensByHash.set(hashToken(text), token);
    return text;
  }

  addDeployToken(fields: Partial<DeployToken> = {}): string {
    const text = createToken('deploy');
    const id = 200 + this.deployTokensByHash.size;
    const token: DeployToken = {
      id,
      place: { kind: 'project', id: 9, fullPath: 'acme/web/shop' },
      name: 'a deploy token',
      username: `gitlab+deploy-token-${id}`,
      scopes: ['read_registry'],
      createdBy: undefined,
      createdAt: 0,
      expiresAt: undefined,
      revokedAt: undefined,
      lastUsedAt: undefined,
      ...fields,
    };
    this.deployTokensByHash.set(hashToken(text), token);
    return text;
  }

  addJobToken(fields: Partial<JobToken> = {}): string {
    const text = createToken('job');
    const token: JobToken = {
      id: 300 + this.jobTokensByHash.size,
      projectId: 9,
      projectPath: 'acme/web/shop',
      userId: undefined,
      trustId: undefined,
      name: 'build 4711',
      accessLevel: 30,
      createdAt: 0,
      expiresAt: Number.MAX_SAFE_INTEGER,
      revokedAt: undefined,
      ...fields,
    };
    this.jobTokensByHash.set(hashToken(text), token);
    return text;
  }

  addTrust(fields: Partial<OidcTrust> = {}): OidcTrust {
    const trust: OidcTrust = {
      id: 400 + this.trustsById.size,
      name: 'a trust',
      issuer: 'https://issuer.example',
      audience: 'registry.example',
      jwksUrl: undefined,
      claims: {},
      projectId: 9,
      projectPath: 'acme/web/shop',
      accessLevel: 30,
      createdAt: 0,
      ...fields,
    };
    this.trustsById.set(trust.id, trust);
    return trust;
  }

  revoke(text: string, at: number): void {
    const token = this.tokensByHash.get(hashToken(text));
    if (token) this.tokensByHash.set(hashToken(text), { ...token, revokedAt: at });
  }

  #read<T>(found: T): T {
    this.reads += 1;
    return found;
  }
}
