/** All of /api/v4: to add a resource, add its endpoints to the list. */
import type { Authenticator } from '../../auth/authenticate.ts';
import type { AccessTokenService } from '../../management/access-tokens.ts';
import type { AssociationService } from '../../management/associations.ts';
import type { AuditTrail } from '../../management/audit.ts';
import type { CacheEntryService } from '../../management/cache-entries.ts';
import type { ConnectionTestService } from '../../management/connection-tests.ts';
import type { DeployTokenService } from '../../management/deploy-tokens.ts';
import type { GroupService } from '../../management/groups.ts';
import type { JobTokenService } from '../../management/job-tokens.ts';
import type { JobService } from '../../management/jobs.ts';
import type { MaintenanceMode } from '../../management/maintenance.ts';
import type { MemberService } from '../../management/members.ts';
import type { OidcTrustService } from '../../management/oidc-trusts.ts';
import type { PlaceAccessTokenService } from '../../management/place-access-tokens.ts';
import type { ProjectService } from '../../management/projects.ts';
import type { TransferService } from '../../management/transfers.ts';
import type { HealthOf } from '../../management/upstream-state.ts';
import type { UpstreamService } from '../../management/upstreams.ts';
import type { UserService } from '../../management/users.ts';
import type { VirtualRegistryService } from '../../management/virtual-registries.ts';
import type { RestRateLimit } from '../rate-limits.ts';
import { applicationSettingEndpoints } from './application-settings.ts';
import { auditEventEndpoints } from './audit-events.ts';
import { cacheEntryEndpoints } from './cache-entries.ts';
import { deployTokenEndpoints } from './deploy-tokens.ts';
import type { Endpoint } from './endpoint.ts';
import { groupEndpoints } from './groups.ts';
import type { CookieSessions } from './identify.ts';
import { jobTokenEndpoints } from './job-tokens.ts';
import { jobEndpoints } from './jobs.ts';
import { memberEndpoints } from './members.ts';
import { oidcTrustEndpoints } from './oidc-trusts.ts';
import { personalAccessTokenEndpoints } from './personal-access-tokens.ts';
import { placeAccessTokenEndpoints } from './place-access-tokens.ts';
import { projectEndpoints } from './projects.ts';
import { registryUpstreamEndpoints } from './registry-upstreams.ts';
import { mountEndpoints, type RestMiddleware } from './router.ts';
import { transferEndpoints } from './transfers.ts';
import { upstreamEndpoints } from './upstreams.ts';
import { userEndpoints } from './users.ts';
import { type Version, versionEndpoints } from './version.ts';
import { virtualRegistryEndpoints } from './virtual-registries.ts';

export interface RestServices {
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  readonly rateLimit?: RestRateLimit | undefined;
  /** Undefined: no cookie counts. */
  readonly sessions?: CookieSessions | undefined;
  readonly accessTokens: AccessTokenService;
  readonly associations: AssociationService;
  readonly auditTrail: AuditTrail;
  readonly cacheEntries: CacheEntryService;
  readonly connectionTests: ConnectionTestService;
  readonly deployTokens: DeployTokenService;
  readonly groups: GroupService;
  readonly jobTokens: JobTokenService;
  readonly jobs: JobService;
  readonly maintenance: MaintenanceMode;
  readonly members: MemberService;
  readonly oidcTrusts: OidcTrustService;
  /** Of groups and projects. */
  readonly placeAccessTokens: PlaceAccessTokenService;
  readonly projects: ProjectService;
  readonly transfers: TransferService;
  readonly upstreams: UpstreamService;
  readonly users: UserService;
  readonly virtualRegistries: VirtualRegistryService;
  readonly healthOf: HealthOf;
  readonly version: Version;
  /** Upstreams per virtual registry. */
  readonly maxUpstreams: number;
  readonly now: () => number;
}

export function createRestRouter(services: RestServices): RestMiddleware {
  return mountEndpoints(listEndpoints(services), services);
}

/** Declared, not mounted. */
export function listEndpoints(services: RestServices): readonly Endpoint[] {
  const { healthOf, maxUpstreams, now } = services;
  return [
    ...versionEndpoints(services.version),
    ...groupEndpoints(services.groups),
    ...projectEndpoints(services.projects),
    ...virtualRegistryEndpoints(services.virtualRegistries),
    ...upstreamEndpoints(services.upstreams, services.connectionTests, healthOf),
    ...registryUpstreamEndpoints(services.associations, maxUpstreams),
    ...cacheEntryEndpoints(services.cacheEntries),
    ...auditEventEndpoints(services.auditTrail),
    ...userEndpoints(services.users),
    ...personalAccessTokenEndpoints(services.accessTokens, now),
    ...placeAccessTokenEndpoints(services.placeAccessTokens, now),
    ...deployTokenEndpoints(services.deployTokens, now),
    ...jobTokenEndpoints(services.jobTokens),
    ...jobEndpoints(services.jobs),
    ...oidcTrustEndpoints(services.oidcTrusts),
    ...memberEndpoints(services.members),
    ...transferEndpoints(services.transfers),
    ...applicationSettingEndpoints(services.maintenance),
  ];
}
