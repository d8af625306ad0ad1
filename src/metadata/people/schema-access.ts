/** The tables of who may do what, beside users, members and access tokens; conventions as in schema.ts. Secrets are kept as hashes only. */
import type { Generated } from 'kysely';

export interface AccessTables {
  deploy_tokens: DeployTokenTable;
  job_tokens: JobTokenTable;
  oidc_trusts: OidcTrustTable;
  oidc_identities: OidcIdentityTable;
  sessions: SessionTable;
}

/** Of a group or of a project, never of both. */
interface DeployTokenTable {
  id: Generated<number>;
  group_id: number | null;
  project_id: number | null;
  name: string;
  /** null: gitlab+deploy-token- and the id */
  username: string | null;
  /** SHA-256 of the token in hex; unique */
  token_hash: string;
  /** JSON list */
  scopes: string;
  /** null: the system, or a user who is gone */
  created_by: number | null;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
  last_used_at: number | null;
}

interface JobTokenTable {
  id: Generated<number>;
  project_id: number;
  /** null: the job acts for nobody in particular */
  user_id: number | null;
  /** the trust it was exchanged at, with which it goes; null: minted by the API */
  trust_id: number | null;
  name: string;
  /** as of members */
  access_level: number;
  /** SHA-256 of the token in hex; unique */
  token_hash: string;
  created_at: number;
  expires_at: number;
  revoked_at: number | null;
}

/** Whose ID tokens stand for jobs of a project. index on issuer */
interface OidcTrustTable {
  id: Generated<number>;
  name: string;
  issuer: string;
  audience: string;
  /** null: where the issuer's discovery document says */
  jwks_url: string | null;
  /** JSON object: claim → glob */
  claims: string;
  project_id: number;
  /** as of members */
  access_level: number;
  created_at: number;
}

/** Who someone is that signs in at another place. primary key (issuer, subject) */
interface OidcIdentityTable {
  issuer: string;
  subject: string;
  user_id: number;
  created_at: number;
}

interface SessionTable {
  /** SHA-256 of the cookie in hex; primary key */
  id_hash: string;
  user_id: number;
  /** SHA-256 in hex of what forms must repeat */
  csrf_hash: string | null;
  created_at: number;
  last_used_at: number;
  expires_at: number;
}
