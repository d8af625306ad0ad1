/** How an upstream is connected to: what someone says about it, put together with what is stored. */
import { isAdministrator } from '../../auth/rights/access.ts';
import type { Connection, UpstreamRecord } from '../../metadata/registries/upstreams.ts';
import type { Log } from '../../observe/log.ts';
import { demandKeyOf, PemError, parseCertificates } from '../../rules/certificates.ts';
import { expectedProxy, parseProxyUrl } from '../../rules/proxy-url.ts';
import { findHeaderFault } from '../../rules/upstream-headers.ts';
import { localPathOf } from '../../upstreams/local-upstream.ts';
import { plainNetwork, type UpstreamNetwork } from '../../upstreams/upstream.ts';
import { type Actor, userOf } from '../acting/actor.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { type SealedNetwork, shownProxy, type UpstreamSecrets } from './upstream-settings.ts';
import { parseUpstreamUrl } from './upstream-url.ts';

/** What is undefined stays as it is; null, and an empty text, clear. */
export interface NetworkInput {
  /** Only administrators may say another one. */
  readonly proxy?: string | null | undefined;
  readonly caCertificate?: string | null | undefined;
  readonly clientCertificate?: string | null | undefined;
  readonly clientKey?: string | null | undefined;
  /** Only administrators may say false. */
  readonly tlsVerify?: boolean | undefined;
  readonly customHeaders?: readonly { readonly key: string; readonly value: string }[] | undefined;
}

/** What is said of the network, and the rest. */
export function splitNetwork<T extends NetworkInput>(input: T) {
  const { proxy, caCertificate, clientCertificate, clientKey, tlsVerify, customHeaders, ...rest } = input;
  return { network: { proxy, caCertificate, clientCertificate, clientKey, tlsVerify, customHeaders }, rest };
}

/**
 * What becomes of the record of an upstream.
 * @param stored undefined where it is new
 * @param newUrl undefined where it stays where it is
 * @throws RefusedError forbidden, invalid
 */
export function networkChanges(
  actor: Actor,
  secrets: UpstreamSecrets,
  input: NetworkInput,
  stored: Connection | undefined,
  newUrl: string | undefined,
): Partial<SealedNetwork> {
  const url = newUrl === undefined ? (stored?.url ?? '') : parseUpstreamUrl(newUrl);
  const isUrlChanged = url !== stored?.url;
  const isUnsaid = Object.values(input).every((value) => value === undefined);
  if (isUnsaid && (stored === undefined || !isUrlChanged)) return {};
  if (localPathOf(url) !== undefined) {
    demandNoNetwork(input);
    return secrets.sealNetwork(url, plainNetwork);
  }
  const known = stored === undefined ? plainNetwork : secrets.openNetwork(stored);
  return secrets.sealNetwork(url, changeNetwork(actor, input, known, isUrlChanged));
}

/**
 * At another URL a client certificate and headers are gone unless they are given again, as credentials are; and what an administrator
 * allowed of the old one needs an administrator anew.
 * @throws RefusedError forbidden, invalid
 */
export function changeNetwork(
  actor: Actor,
  input: NetworkInput,
  stored: UpstreamNetwork,
  isUrlChanged: boolean,
): UpstreamNetwork {
  const isAdmin = isAdministrator(userOf(actor), 'write');
  const allowed = isUrlChanged && !isAdmin ? plainNetwork : stored;
  const given = isUrlChanged ? plainNetwork : stored;
  const network = {
    proxy: changeProxy(input.proxy, allowed.proxy),
    tlsVerify: input.tlsVerify ?? allowed.tlsVerify,
    caCertificate: changeAuthorities(input.caCertificate, stored.caCertificate),
    clientCertificate: changeClientCertificate(input, given.clientCertificate),
    headers: input.customHeaders === undefined ? given.headers : parseHeaders(input.customHeaders),
  };
  if (!isAdmin && network.proxy !== undefined && network.proxy !== allowed.proxy)
    throw new RefusedError('forbidden', 'only administrators may name a proxy');
  if (!isAdmin && !network.tlsVerify && allowed.tlsVerify)
    throw new RefusedError('forbidden', 'only administrators may have certificates not verified');
  return network;
}

/** @throws RefusedError invalid where a local upstream, which nobody connects to, is given any */
function demandNoNetwork(input: NetworkInput): void {
  const fault = ['must be blank: an upstream on this server is not connected to'];
  const { proxy, caCertificate, clientCertificate, clientKey, customHeaders } = input;
  const said = {
    proxy,
    ca_certificate: caCertificate,
    client_certificate: clientCertificate,
    client_key: clientKey,
    custom_headers: customHeaders?.length,
    tls_verify: input.tlsVerify === false,
  };
  const faults = Object.entries(said).filter(([, value]) => value);
  if (faults.length > 0)
    throw new RefusedError('invalid', Object.fromEntries(faults.map(([name]) => [name, fault])));
}

/** Says of an upstream whose certificate nobody looks at that it is so. */
export function warnOfUnverified(log: Log, { id, name, url, tlsVerify }: UpstreamRecord): void {
  if (!tlsVerify)
    log.warn(
      { upstream: id, name, url },
      'the certificate of the upstream is not verified: its tls_verify is false',
    );
}

/** An address that is said again without its login, as it is shown, keeps it. */
function changeProxy(text: string | null | undefined, stored: string | undefined): string | undefined {
  if (text === undefined) return stored;
  if (text === null || text.trim() === '') return undefined;
  if (text.trim() === 'direct') return 'direct';
  const url = parseProxyUrl(text);
  if (url === undefined)
    throw new RefusedError('invalid', { proxy: [`is invalid: ${expectedProxy}; or direct`] });
  const isShown = url.username === '' && url.password === '';
  return isShown && stored !== undefined && shownProxy(stored) === url.origin ? stored : url.href;
}

function changeAuthorities(text: string | null | undefined, stored: string | undefined): string | undefined {
  if (text === undefined) return stored;
  if (!text?.trim()) return undefined;
  demandPem('ca_certificate', () => parseCertificates(text));
  return text;
}

function changeClientCertificate(
  { clientCertificate, clientKey }: NetworkInput,
  stored: UpstreamNetwork['clientCertificate'],
): UpstreamNetwork['clientCertificate'] {
  if (clientCertificate === undefined && clientKey === undefined) return stored;
  const certificate = clientCertificate === undefined ? stored?.certificate : clientCertificate?.trim();
  const key = clientKey === undefined && certificate ? stored?.key : clientKey?.trim();
  if (!certificate && !key) return undefined;
  if (!certificate || !key) {
    const missing = certificate ? 'client_key' : 'client_certificate';
    throw new RefusedError('invalid', { [missing]: ["can't be blank"] });
  }
  const [own] = demandPem('client_certificate', () => parseCertificates(certificate));
  demandPem('client_key', () => demandKeyOf(own, key));
  return { certificate, key };
}

function parseHeaders(headers: NonNullable<NetworkInput['customHeaders']>): Readonly<Record<string, string>> {
  const faults = headers.flatMap(({ key, value }) => findHeaderFault(key, value) ?? []);
  const byName = new Map(headers.map(({ key, value }) => [key.toLowerCase(), value.trim()]));
  if (byName.size < headers.length) faults.push('must have each header once');
  if (faults.length > 0) throw new RefusedError('invalid', { custom_headers: faults });
  return Object.fromEntries(byName);
}

function demandPem<T>(attribute: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
    throw new RefusedError('invalid', { [attribute]: [error.message] });
  }
}
