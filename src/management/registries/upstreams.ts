/** Upstreams: the registries of a top-level group, remote ones and what this server hosts, which its virtual registries share. */
import type { Database } from '../../metadata/db/database.ts';
import type { Page, Paged } from '../../metadata/db/page.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { RegistryUpstream } from '../../metadata/registries/registry-upstreams.ts';
import type {
  AssociatedUpstream,
  NewUpstream,
  UpstreamChanges,
  UpstreamRecord,
} from '../../metadata/registries/upstreams.ts';
import type { Log } from '../../observe/log.ts';
import type { CloudRules } from '../../upstreams/clouds/cloud-identity.ts';
import { localPathOf } from '../../upstreams/local-upstream.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { Changes } from '../acting/changes.ts';
import { demandUnmodified } from '../acting/preconditions.ts';
import type { PullCaches } from '../acting/pull-caches.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { Rights } from '../acting/rights.ts';
import { tellExposures } from '../namespaces/exposures.ts';
import { tooManyUpstreams } from './associations.ts';
import { demandVisibleTarget } from './local-target.ts';
import { demandUnique, hasSameNames } from './unique-upstream.ts';
import {
  changeCredentials,
  demandNoCredentials,
  demandOwnCloud,
  hasCredentials,
  parseCredentials,
} from './upstream-credentials.ts';
import type { NewUpstreamInput, UpstreamInput } from './upstream-fields.ts';
import {
  demandNoQuarantine,
  demandPatterns,
  describeUpstream,
  mayUsePrivateNetwork,
  parsePrefixes,
} from './upstream-input.ts';
import { networkChanges, splitNetwork, warnOfUnverified } from './upstream-network.ts';
import type { UpstreamSecrets } from './upstream-settings.ts';
import {
  demandAllowedAddress,
  type FindBlockedAddress,
  parseTokenHost,
  parseUpstreamUrl,
} from './upstream-url.ts';

export interface DetailedUpstream extends UpstreamRecord {
  /** Its associations, one per registry that uses it. */
  readonly registryUpstreams: readonly RegistryUpstream[];
}

export interface UpstreamServiceOptions {
  readonly database: Database;
  readonly secrets: UpstreamSecrets;
  readonly caches: PullCaches;
  readonly findBlockedAddress: FindBlockedAddress;
  readonly clouds: CloudRules;
  readonly log: Log;
  /** How many upstreams a virtual registry may have. */
  readonly maxUpstreams: number;
}

const defaultValidityHours = 24;

export class UpstreamService {
  readonly #options: UpstreamServiceOptions;
  readonly #changes: Changes;
  readonly #rights = new Rights();

  constructor(options: UpstreamServiceOptions) {
    this.#options = options;
    this.#changes = new Changes(options.database, options.caches);
  }

  /** Oldest first. @param name part of it. @throws RefusedError not-found, forbidden, bad-request for a subgroup */
  async listByGroup(
    actor: Actor,
    groupReference: string,
    name: string | undefined,
    page: Page,
  ): Promise<Paged<UpstreamRecord>> {
    const { database } = this.#options;
    const group = await this.#rights.getTopLevelGroup(database, actor, groupReference, 'read', 'bad-request');
    return database.upstreams.list(group.id, name, page);
  }

  /** By position. @throws RefusedError not-found, forbidden */
  async listByRegistry(actor: Actor, registryId: number): Promise<readonly AssociatedUpstream[]> {
    const { database } = this.#options;
    await this.#rights.getRegistry(database, actor, registryId, 'read');
    return database.upstreams.listByRegistry(registryId);
  }

  /** @throws RefusedError not-found, forbidden */
  async get(actor: Actor, id: number): Promise<DetailedUpstream> {
    const { database } = this.#options;
    const upstream = await this.#rights.getUpstream(database, actor, id, 'read');
    return { ...upstream, registryUpstreams: await database.registryUpstreams.listByUpstream(id) };
  }

  /** The new upstream comes to the registry's last position. @throws RefusedError not-found, forbidden, parameters, invalid */
  async create(actor: Actor, registryId: number, input: NewUpstreamInput): Promise<AssociatedUpstream> {
    const { secrets, findBlockedAddress, maxUpstreams, clouds } = this.#options;
    const credentials = parseCredentials(input);
    const { network, rest } = splitNetwork(input);
    const { username: _username, password: _password, credentials: _credentials, ...settings } = rest;
    const { cacheValidityHours = defaultValidityHours, allowPatterns = [], denyPatterns = [] } = settings;
    const prefixes = parsePrefixes(input);
    demandPatterns(settings);
    return this.#changes.run(async (tx) => {
      const { groupId, groupPath } = await this.#rights.getRegistry(tx, actor, registryId, 'write');
      const url = parseUpstreamUrl(input.url);
      const allowPrivateNetwork = mayUsePrivateNetwork(actor, input.allowPrivateNetwork, undefined, true);
      const localPath = localPathOf(url);
      demandNoQuarantine(url, input.minAgeHours);
      const tokenHost = parseTokenHost(input.tokenHost);
      if (localPath === undefined)
        demandAllowedAddress({ url, tokenHost }, allowPrivateNetwork, findBlockedAddress);
      else {
        demandNoCredentials(input);
        await demandVisibleTarget(tx, groupId, localPath);
      }
      demandOwnCloud(actor, url, credentials, undefined, clouds);
      await demandUnique(tx, secrets, { groupId, url, ...prefixes }, credentials);
      const made: NewUpstream = {
        ...settings,
        tokenHost: tokenHost ?? undefined,
        stripPrefix: prefixes.stripPrefix ?? undefined,
        addPrefix: prefixes.addPrefix ?? undefined,
        groupId,
        url,
        ...secrets.seal(url, credentials),
        cacheValidityHours,
        allowPatterns,
        denyPatterns,
        allowPrivateNetwork,
        ...networkChanges(actor, secrets, network, undefined, url),
      };
      const upstream = await tx.upstreams.create(made);
      const registryUpstream = await tx.registryUpstreams.append(registryId, upstream.id);
      if (registryUpstream.position > maxUpstreams) {
        throw new RefusedError('invalid', {
          'registry_upstreams.position': tooManyUpstreams(maxUpstreams),
        });
      }
      await recordChange(tx, actor, {
        action: 'upstream.create',
        targetId: upstream.id,
        details: { registryId, ...describeUpstream(made) },
        groupPath,
      });
      await tellExposures(tx, actor, { registryId });
      warnOfUnverified(this.#options.log, upstream);
      return { ...upstream, registryUpstream };
    });
  }

  /** @throws RefusedError not-found, forbidden, invalid */
  async update(actor: Actor, id: number, input: UpstreamInput): Promise<UpstreamRecord> {
    const { secrets } = this.#options;
    const { network, rest } = splitNetwork(input);
    const { url: _url, username: _username, password: _password, ...others } = rest;
    const { credentials: _credentials, tokenHost: _host, ...settings } = others;
    const prefixes = parsePrefixes(input);
    demandPatterns(settings);
    return this.#changes.run(async (tx) => {
      const stored = await this.#rights.getUpstream(tx, actor, id, 'write');
      demandNoQuarantine(input.url ?? stored.url, input.minAgeHours ?? stored.minAgeHours);
      const changes: UpstreamChanges = {
        ...settings,
        ...prefixes,
        ...(await this.#changeAccess(tx, actor, stored, input)),
        ...networkChanges(actor, secrets, network, stored, input.url),
      };
      const upstream = await tx.upstreams.update(id, changes);
      if (!upstream) throw new RefusedError('not-found');
      const details = { groupId: upstream.groupId, ...describeUpstream(changes, stored) };
      const { groupPath } = stored;
      const path = localPathOf(upstream.url);
      if (path !== undefined && upstream.url !== stored.url) await tellExposures(tx, actor, { path });
      await recordChange(tx, actor, { action: 'upstream.update', targetId: id, details, groupPath });
      warnOfUnverified(this.#options.log, upstream);
      return upstream;
    });
  }

  /** Removes an upstream from every registry. @throws RefusedError not-found, forbidden, precondition-failed */
  async remove(actor: Actor, id: number, unmodifiedSince: number | undefined): Promise<void> {
    await this.#changes.run(async (tx) => {
      const upstream = await this.#rights.getUpstream(tx, actor, id, 'write');
      demandUnmodified(upstream, unmodifiedSince);
      await tx.upstreams.remove(id);
      const details = { groupId: upstream.groupId, name: upstream.name, url: upstream.url };
      const { groupPath } = upstream;
      await recordChange(tx, actor, { action: 'upstream.delete', targetId: id, details, groupPath });
      return upstream;
    });
  }

  /** Forgets what is cached of it, whoever shares it. @throws RefusedError not-found, forbidden */
  async clearCache(actor: Actor, id: number): Promise<void> {
    await this.#changes.run(async (tx) => {
      const upstream = await this.#rights.getUpstream(tx, actor, id, 'write');
      const removed = await tx.cacheContents.removeByUpstream(id);
      const details = { groupId: upstream.groupId, removedEntries: removed };
      const { groupPath } = upstream;
      await recordChange(tx, actor, { action: 'upstream.clear_cache', targetId: id, details, groupPath });
      return upstream;
    });
  }

  /** Where the upstream is and how it is logged in to belong together: each is only good with the others. */
  async #changeAccess(
    tx: Records,
    actor: Actor,
    stored: UpstreamRecord,
    input: UpstreamInput,
  ): Promise<UpstreamChanges> {
    const { secrets, findBlockedAddress, clouds } = this.#options;
    const url = input.url === undefined ? stored.url : parseUpstreamUrl(input.url);
    const isUrlChanged = url !== stored.url;
    const allowPrivateNetwork = mayUsePrivateNetwork(actor, input.allowPrivateNetwork, stored, isUrlChanged);
    const localPath = localPathOf(url);
    const said = parseTokenHost(input.tokenHost);
    const tokenHost = said === undefined && !isUrlChanged ? stored.tokenHost : (said ?? undefined);
    const changed = tokenHost !== stored.tokenHost && { tokenHost: tokenHost ?? null };
    if (localPath !== undefined) {
      demandNoCredentials(input);
      if (isUrlChanged) await demandVisibleTarget(tx, stored.groupId, localPath);
    } else if (isUrlChanged || said || allowPrivateNetwork !== stored.allowPrivateNetwork) {
      demandAllowedAddress({ url, tokenHost }, allowPrivateNetwork, findBlockedAddress);
    }
    const named = { ...stored, ...parsePrefixes(input), url };
    if (!isUrlChanged && !hasCredentials(input)) {
      if (!hasSameNames(named, stored)) await demandUnique(tx, secrets, named, secrets.open(stored));
      return { allowPrivateNetwork, ...changed };
    }
    const credentials = changeCredentials(input, () => secrets.open(stored), isUrlChanged);
    demandOwnCloud(actor, url, credentials, isUrlChanged ? undefined : secrets.find(stored), clouds);
    await demandUnique(tx, secrets, named, credentials);
    return { url, allowPrivateNetwork, ...changed, ...secrets.seal(url, credentials) };
  }
}
