/** Whether an upstream can be pulled from, and what, asked before it is stored or changed. Nothing is stored here. */
import type { Database } from '../../metadata/db/database.ts';
import type { CloudRules } from '../../upstreams/clouds/cloud-identity.ts';
import { localPathOf } from '../../upstreams/local-upstream.ts';
import type { ConnectionTest } from '../../upstreams/test-connection.ts';
import { plainNetwork } from '../../upstreams/upstream.ts';
import type { Actor } from '../acting/actor.ts';
import { Rights } from '../acting/rights.ts';
import { isVisibleTarget, noTarget } from './local-target.ts';
import { type PatternTrial, tryPatterns } from './pattern-trials.ts';
import {
  demandNoCredentials,
  demandOwnCloud,
  parseCredentials,
  tryCredentials,
} from './upstream-credentials.ts';
import { mayUsePrivateNetwork, parsePrefix, type UpstreamAccess } from './upstream-input.ts';
import { changeNetwork, type NetworkInput } from './upstream-network.ts';
import type { UpstreamSecrets } from './upstream-settings.ts';
import type { ConnectionTester } from './upstream-state.ts';
import { parseTokenHost, parseUpstreamUrl } from './upstream-url.ts';

export interface ConnectionTestServiceOptions {
  readonly database: Database;
  readonly secrets: UpstreamSecrets;
  readonly tester: ConnectionTester;
  readonly clouds: CloudRules;
}

export class ConnectionTestService {
  readonly #options: ConnectionTestServiceOptions;
  readonly #rights = new Rights();

  constructor(options: ConnectionTestServiceOptions) {
    this.#options = options;
  }

  /** Tests an upstream that is not there yet. @throws RefusedError not-found, forbidden, bad-request for a subgroup, parameters, invalid */
  async testNew(
    actor: Actor,
    groupReference: string,
    input: UpstreamAccess & NetworkInput & { readonly url: string },
  ): Promise<ConnectionTest> {
    const { database, tester, clouds } = this.#options;
    const group = await this.#rights.getTopLevelGroup(
      database,
      actor,
      groupReference,
      'write',
      'bad-request',
    );
    const url = parseUpstreamUrl(input.url);
    const localPath = localPathOf(url);
    if (localPath !== undefined) return this.#testLocal(group.id, localPath, input);
    const credentials = parseCredentials(input);
    demandOwnCloud(actor, url, credentials, undefined, clouds);
    const settings = {
      id: 0,
      name: url,
      url,
      credentials,
      tokenHost: parseTokenHost(input.tokenHost) ?? undefined,
      allowPatterns: [],
      denyPatterns: [],
      allowPrivateNetwork: mayUsePrivateNetwork(actor, input.allowPrivateNetwork, undefined, true),
      network: changeNetwork(actor, input, plainNetwork, true),
      cacheValidityHours: 0,
      updatedAt: 0,
    };
    return tester.test(settings, probeBelow(parsePrefix('add_prefix', input.addPrefix)));
  }

  /** @throws RefusedError as {@link testNew} does, and as {@link tryPatterns} does */
  async tryPatterns(actor: Actor, groupReference: string, trial: PatternTrial) {
    const { database } = this.#options;
    await this.#rights.getTopLevelGroup(database, actor, groupReference, 'write', 'bad-request');
    return tryPatterns(trial);
  }

  /** Tests a stored upstream, as it is or as it may become. @throws RefusedError not-found, forbidden, invalid */
  async test(actor: Actor, id: number, input: UpstreamAccess & NetworkInput): Promise<ConnectionTest> {
    const { database, secrets, tester, clouds } = this.#options;
    const stored = await this.#rights.getUpstream(database, actor, id, 'write');
    const url = input.url === undefined ? stored.url : parseUpstreamUrl(input.url);
    const localPath = localPathOf(url);
    if (localPath !== undefined) return this.#testLocal(stored.groupId, localPath, input);
    const isUrlChanged = url !== stored.url;
    const tokenHost = parseTokenHost(input.tokenHost);
    const findStored = () => secrets.open(stored);
    const credentials = tryCredentials(input, findStored, isUrlChanged);
    demandOwnCloud(actor, url, credentials, isUrlChanged ? undefined : secrets.find(stored), clouds);
    const settings = {
      ...secrets.settingsOf({ ...stored, username: undefined, identity: undefined }),
      url,
      tokenHost: (tokenHost === undefined && !isUrlChanged ? stored.tokenHost : tokenHost) ?? undefined,
      credentials,
      allowPrivateNetwork: mayUsePrivateNetwork(actor, input.allowPrivateNetwork, stored, isUrlChanged),
      network: changeNetwork(actor, input, secrets.openNetwork(stored), isUrlChanged),
    };
    const said = parsePrefix('add_prefix', input.addPrefix);
    const addPrefix = said === undefined ? stored.addPrefix : said;
    const known = addPrefix === stored.addPrefix ? await this.#findPath(id) : undefined;
    return tester.test(settings, known ?? probeBelow(addPrefix));
  }

  /** Nothing of this server is connected to: whether the target is there is all that can be wrong. */
  async #testLocal(groupId: number, path: string, input: UpstreamAccess): Promise<ConnectionTest> {
    demandNoCredentials(input);
    const isVisible = await isVisibleTarget(this.#options.database, groupId, path);
    return isVisible ? { success: true } : { success: false, result: `Error: ${path} ${noTarget}` };
  }

  /** The path of a manifest that is known to be there. */
  async #findPath(id: number): Promise<string | undefined> {
    const page = { page: 1, perPage: 1 };
    const { records } = await this.#options.database.cacheContents.list(id, '/manifests/', page);
    return records[0]?.relativePath.slice(1);
  }
}

/** What any registry answers, if only that it has no such image. Credentials may be good below the prefix alone. */
export function probeBelow(addPrefix: string | null | undefined): string {
  return `${addPrefix ? `${addPrefix}/` : 'library/'}alpine/manifests/latest`;
}
