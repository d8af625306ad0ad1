import { createAccessToken, hashAccessToken } from '../../../src/auth/token-secret.ts';
import type { AccessToken } from '../../../src/metadata/access-tokens.ts';
import type { User } from '../../../src/metadata/users.ts';

/** Users and their tokens in memory, counting how often they are asked for. */
export class RecordedAccounts {
  readonly usersById = new Map<number, User>();
  readonly tokensByHash = new Map<string, AccessToken>();
  readonly uses: { readonly id: number; readonly at: number }[] = [];
  reads = 0;

  readonly users = {
    find: async (id: number) => this.#read(this.usersById.get(id)),
    findByUsername: async (username: string) =>
      this.#read([...this.usersById.values()].find((user) => user.username === username)),
  };

  readonly accessTokens = {
    findByHash: async (hash: string) => this.#read(this.tokensByHash.get(hash)),
    noteUse: async (id: number, at: number) => {
      this.uses.push({ id, at });
      for (const [hash, token] of this.tokensByHash) {
        if (token.id === id) this.tokensByHash.set(hash, { ...token, lastUsedAt: at });
      }
    },
  };

  addUser(username: string, fields: Partial<User> = {}): User {
    const user: User = {
      id: this.usersById.size + 1,
      username,
      name: username,
      email: undefined,
      state: 'active',
      isAdmin: false,
      passwordHash: undefined,
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
    const text = createAccessToken();
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
    this.tokensByHash.set(hashAccessToken(text), token);
    return text;
  }

  revoke(text: string, at: number): void {
    const token = this.tokensByHash.get(hashAccessToken(text));
    if (token) this.tokensByHash.set(hashAccessToken(text), { ...token, revokedAt: at });
  }

  #read<T>(found: T): T {
    this.reads += 1;
    return found;
  }
}
