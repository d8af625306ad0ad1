/** All that is recorded, one field per aggregate, seen through one connection pool or one transaction. */
import type { Kysely } from 'kysely';
import { AccessTokens } from './access-tokens.ts';
import { AuditEvents } from './audit-events.ts';
import { Blobs } from './blobs.ts';
import { CacheContents } from './cache-contents.ts';
import { CacheEntries } from './cache-entries.ts';
import { Groups } from './groups.ts';
import { InstanceSettings } from './instance-settings.ts';
import { Manifests } from './manifests.ts';
import { Members } from './members.ts';
import { Projects } from './projects.ts';
import { RegistryUpstreams } from './registry-upstreams.ts';
import { Repositories } from './repositories.ts';
import { RepositoryBlobs } from './repository-blobs.ts';
import { RepositoryManifests } from './repository-manifests.ts';
import { Reviews } from './reviews.ts';
import type { Tables } from './schema.ts';
import { SigningKeys } from './signing-keys.ts';
import { Tags } from './tags.ts';
import { UploadRecords } from './upload-records.ts';
import { Upstreams } from './upstreams.ts';
import { Users } from './users.ts';
import { VirtualRegistries } from './virtual-registries.ts';

export class Records {
  readonly accessTokens: AccessTokens;
  readonly auditEvents: AuditEvents;
  readonly blobs: Blobs;
  readonly cacheContents: CacheContents;
  readonly cacheEntries: CacheEntries;
  readonly groups: Groups;
  readonly instance: InstanceSettings;
  readonly manifests: Manifests;
  readonly members: Members;
  readonly projects: Projects;
  readonly registryUpstreams: RegistryUpstreams;
  readonly repositories: Repositories;
  readonly repositoryBlobs: RepositoryBlobs;
  readonly repositoryManifests: RepositoryManifests;
  readonly reviews: Reviews;
  readonly signingKeys: SigningKeys;
  readonly tags: Tags;
  readonly uploads: UploadRecords;
  readonly upstreams: Upstreams;
  readonly users: Users;
  readonly virtualRegistries: VirtualRegistries;

  /** @param now epoch milliseconds */
  constructor(db: Kysely<Tables>, now: () => number) {
    this.accessTokens = new AccessTokens(db, now);
    this.auditEvents = new AuditEvents(db, now);
    this.blobs = new Blobs(db);
    this.cacheContents = new CacheContents(db);
    this.cacheEntries = new CacheEntries(db, now);
    this.groups = new Groups(db, now);
    this.instance = new InstanceSettings(db);
    this.manifests = new Manifests(db);
    this.members = new Members(db, now);
    this.projects = new Projects(db, now);
    this.registryUpstreams = new RegistryUpstreams(db);
    this.repositories = new Repositories(db, now);
    this.repositoryBlobs = new RepositoryBlobs(db, now);
    this.repositoryManifests = new RepositoryManifests(db, now);
    this.reviews = new Reviews(db, now);
    this.signingKeys = new SigningKeys(db);
    this.tags = new Tags(db, now);
    this.uploads = new UploadRecords(db);
    this.upstreams = new Upstreams(db, now);
    this.users = new Users(db, now);
    this.virtualRegistries = new VirtualRegistries(db, now);
  }
}
