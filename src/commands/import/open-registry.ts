/** A registry that is given on the command line, by the settings that hold for upstreams. */
import { setTimeout } from 'node:timers/promises';
import { createOutbound } from '../../app/outbound.ts';
import { upstreamOptions } from '../../app/upstream-options.ts';
import { ToldBeliefs } from '../../cache/told-beliefs.ts';
import { UpstreamTokens } from '../../cache/upstream-tokens.ts';
import { readRegularFile } from '../../config/regular-file.ts';
import { reasonOf } from '../../config/system-reasons.ts';
import { RefusedError } from '../../management/acting/refused-error.ts';
import { parseUpstreamUrl } from '../../management/registries/upstream-url.ts';
import { unwatched } from '../../proxy/fill-observer.ts';
import { RemoteUpstream } from '../../upstreams/remote-upstream.ts';
import { listRepositories } from '../../upstreams/repository-lists.ts';
import { plainNetwork, type UpstreamSettings } from '../../upstreams/upstream.ts';
import { unobserved } from '../../upstreams/upstream-observer.ts';
import { type CommandContext, CommandRefused, UsageError } from '../command.ts';
import { readSecret } from '../remote/read-secret.ts';
import { RemoteRegistry } from './remote-registry.ts';

export interface RegistryAddress {
  readonly url: string;
  readonly username?: string | undefined;
  /** A path; undefined: the password is asked for. */
  readonly passwordFile?: string | undefined;
  readonly privateNetwork?: boolean | undefined;
}

/** @param opened takes what is to be closed. @throws UsageError, CommandRefused */
export async function openRegistry(
  address: RegistryAddress,
  { config, log, terminal }: CommandContext,
  opened: AsyncDisposableStack,
): Promise<RemoteRegistry> {
  const url = parseUrl(address.url);
  const settings: UpstreamSettings = {
    id: 0,
    name: new URL(url).host,
    url,
    credentials: await readCredentials(address, terminal),
    allowPatterns: [],
    denyPatterns: [],
    allowPrivateNetwork: address.privateNetwork === true,
    network: plainNetwork,
    cacheValidityHours: 0,
    updatedAt: 0,
  };
  const now = Date.now;
  const shared = new ToldBeliefs({ records: undefined, hasOthers: () => false, log, now });
  opened.defer(() => shared.close());
  const options = {
    ...upstreamOptions(config, createOutbound(config)),
    observer: unobserved,
    tokens: new UpstreamTokens(now),
    shared,
    log,
    now,
  };
  const upstream = new RemoteUpstream(settings, options);
  opened.defer(() => upstream.close());
  const pause = async (ms: number, signal: AbortSignal) => {
    await setTimeout(ms, undefined, { signal });
  };
  const tools = { log, pause, observer: unwatched };
  return new RemoteRegistry({ upstream, list: () => listRepositories(settings, options), tools, now });
}

/** @throws UsageError */
function parseUrl(text: string): string {
  try {
    const url = parseUpstreamUrl(text);
    if (URL.parse(url)?.protocol.startsWith('http')) return url;
    throw new UsageError(`--from-registry: '${text}' is this server`);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw new UsageError(`--from-registry: '${text}' ${Object.values(error.faults).flat().join('; ')}`);
  }
}

async function readCredentials(
  { username, passwordFile }: RegistryAddress,
  terminal: CommandContext['terminal'],
): Promise<UpstreamSettings['credentials']> {
  if (username === undefined) {
    if (passwordFile === undefined) return undefined;
    throw new UsageError('--password-file is for a --username');
  }
  if (passwordFile === undefined)
    return { username, password: await readSecret(terminal, `Password of ${username}`) };
  try {
    return { username, password: readRegularFile(passwordFile).trim() };
  } catch (error) {
    throw new CommandRefused(`--password-file: cannot read ${passwordFile}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}
