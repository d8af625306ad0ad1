/**
 * Trusts: which jobs of which CI system or cluster are jobs of a project. Their makers give no more than they have, and the
 * claims must say whose jobs are meant, for anybody may have jobs at a public issuer.
 */

import { type ClaimPatterns, hasFixedStart } from '../../auth/oidc/claim-globs.ts';
import { type AccessLevel, accessLevels } from '../../auth/rights/access-levels.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Page, Paged } from '../../metadata/db/page.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import type { OidcTrust } from '../../metadata/tokens/oidc-trusts.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { demandGrant, Rights } from '../acting/rights.ts';
import { type IssuerRules, parseIssuer, parseJwksUrl } from './issuer-url.ts';

export type { OidcTrust };

const maxPerProject = 100;
const maxClaims = 20;

/** Issuers at which anybody may have jobs: a trust must ask for one of these claims, so that it is not everybody's. */
const owningClaims: Readonly<Record<string, readonly string[]>> = {
  'https://gitlab.com': ['project_path', 'project_id', 'namespace_path', 'namespace_id', 'sub'],
  'https://token.actions.githubusercontent.com': [
    'repository',
    'repository_id',
    'repository_owner',
    'repository_owner_id',
    'sub',
  ],
};

export interface OidcTrustInput {
  readonly name: string;
  /** The `iss` of its tokens. */
  readonly issuer: string;
  readonly audience: string;
  /** Undefined: discovered. */
  readonly jwksUrl?: string | undefined;
  readonly claims: ClaimPatterns;
  readonly accessLevel: AccessLevel;
}

export interface OidcTrustServiceOptions extends IssuerRules {
  readonly database: Database;
}

export class OidcTrustService {
  readonly #options: OidcTrustServiceOptions;
  readonly #rights = new Rights();

  constructor(options: OidcTrustServiceOptions) {
    this.#options = options;
  }

  /** Maintainers of the project see its trusts, oldest first. @throws RefusedError unauthorized, not-found, forbidden */
  async list(actor: Actor, reference: string, page: Page): Promise<Paged<OidcTrust>> {
    const { database } = this.#options;
    const { id } = await this.#getProject(database, actor, reference);
    return database.oidcTrusts.list({ projectId: id }, page);
  }

  /**
   * Maintainers of the project make trusts with a role up to their own.
   * @throws RefusedError unauthorized, not-found, forbidden, invalid
   */
  async create(actor: Actor, reference: string, input: OidcTrustInput): Promise<OidcTrust> {
    const { name, audience, claims, accessLevel } = input;
    const issuer = parseIssuer(input.issuer, this.#options);
    const jwksUrl = input.jwksUrl === undefined ? undefined : parseJwksUrl(input.jwksUrl, this.#options);
    demandMeaning(issuer, claims);
    return runChange(this.#options.database, async (tx) => {
      const project = await this.#getProject(tx, actor, reference);
      await demandGrant(tx, actor, project, accessLevel);
      const { id: projectId, fullPath } = project;
      if (!(await tx.projects.hold(projectId))) throw new RefusedError('not-found', 'Project');
      const { total } = await tx.oidcTrusts.list({ projectId }, { page: 1, perPage: 1 });
      if (total >= maxPerProject) {
        throw new RefusedError('invalid', { base: [`a project has at most ${maxPerProject} trusts`] });
      }
      const values = { name, issuer, audience, jwksUrl, claims, accessLevel };
      const trust = await tx.oidcTrusts.create({ ...values, projectId });
      await recordChange(tx, actor, {
        action: 'ci_trust.create',
        targetId: trust.id,
        projectPath: fullPath,
        details: {
          projectId,
          name,
          issuer,
          audience,
          jwksUrl,
          claims,
          accessLevel,
        },
      });
      return trust;
    });
  }

  /** Maintainers of the project remove trusts, whose jobs are refused at once. @throws RefusedError unauthorized, not-found, forbidden */
  async remove(actor: Actor, reference: string, id: number): Promise<void> {
    await runChange(this.#options.database, async (tx) => {
      const project = await this.#getProject(tx, actor, reference);
      const trust = await tx.oidcTrusts.find(id);
      if (trust?.projectId !== project.id) throw new RefusedError('not-found');
      await tx.oidcTrusts.remove(id);
      await recordChange(tx, actor, {
        action: 'ci_trust.delete',
        targetId: id,
        projectPath: project.fullPath,
        details: { projectId: project.id, name: trust.name, issuer: trust.issuer },
      });
    });
  }

  /** Only Maintainers get the project: other members need not know which systems are trusted. */
  async #getProject(records: Records, actor: Actor, reference: string): Promise<Project> {
    const project = await this.#rights.getProject(records, actor, reference, 'see');
    const isMaintainer = await this.#rights.hasRole(
      records,
      actor,
      project.fullPath,
      accessLevels.maintainer,
    );
    if (!isMaintainer) throw new RefusedError('forbidden');
    return project;
  }
}

/** @throws RefusedError invalid where jobs of anybody would satisfy the claims */
function demandMeaning(issuer: string, claims: ClaimPatterns): void {
  const names = Object.keys(claims);
  if (names.length === 0) throw fault('must not be empty: every token of the issuer would do');
  if (names.length > maxClaims) throw fault(`has too many (maximum is ${maxClaims})`);
  const owning = owningClaims[issuer.replace(/\/$/, '')] ?? names;
  if (owning.some((name) => Object.hasOwn(claims, name) && hasFixedStart(claims[name] ?? ''))) return;
  throw fault(
    `must say whose tokens are meant: ${owning.join(', ')}, with no wildcard before the first slash`,
  );
}

function fault(text: string): RefusedError {
  return new RefusedError('invalid', { claims: [text] });
}
