import {
  anonymous,
  type DeployTokenIdentity,
  type Identity,
  type JobIdentity,
  type Principal,
  type PrincipalRef,
  type RegistryTokenIdentity,
  type UserIdentity,
} from '../../../src/auth/rights/identity.ts';

/** One of each kind: what holds for all identities is tried with these. */
export const danaByPassword: UserIdentity = {
  kind: 'user',
  userId: 7,
  username: 'dana',
  isAdmin: false,
  scopes: 'all',
};

export const dana: UserIdentity = { ...danaByPassword, scopes: ['api'], tokenId: 70 };

export const deployToken: DeployTokenIdentity = {
  kind: 'deploy-token',
  tokenId: 5,
  username: 'gitlab+deploy-token-5',
  scopes: ['read_registry', 'write_registry'],
  place: { kind: 'project', id: 9, fullPath: 'acme/web/shop' },
};

export const job: JobIdentity = {
  kind: 'job',
  jobTokenId: 11,
  trustId: undefined,
  name: 'build 4711',
  userId: 7,
  isAdmin: false,
  project: { id: 9, fullPath: 'acme/web/shop' },
  accessLevel: 30,
  expiresAt: Date.UTC(2030, 0),
};

/** By its ID token. */
export const trustedJob: JobIdentity = { ...job, jobTokenId: undefined, trustId: 3, userId: undefined };

export const principals: readonly Principal[] = [danaByPassword, dana, deployToken, job, trustedJob];

export function bearerOf(
  principal: PrincipalRef | undefined,
  access: RegistryTokenIdentity['access'] = [],
): RegistryTokenIdentity {
  return { kind: 'registry-token', subject: 'someone', principal, access, refused: [] };
}

export const identities: readonly Identity[] = [
  ...principals,
  anonymous,
  bearerOf(undefined),
  bearerOf({ kind: 'user', userId: 7, tokenId: 70 }),
  bearerOf({ kind: 'deploy-token', tokenId: 5 }),
  bearerOf({ kind: 'job', jobTokenId: 11 }),
  bearerOf({ kind: 'trust', trustId: 3, name: 'x', projectId: 9, accessLevel: 30, expiresAt: 1 }),
  bearerOf({ kind: 'external', issuer: 'auth.example.com' }),
];
