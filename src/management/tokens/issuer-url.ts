/** Where the issuer of ID tokens, and its keys, may be. What a name resolves to is judged when it is connected to. */
import { RefusedError } from '../acting/refused-error.ts';
import { addressOf, type FindBlockedAddress, maxUrlLength } from '../registries/upstream-url.ts';

export interface IssuerRules {
  /** True: http will do everywhere. Else it does only on this very machine, where nobody is in between. */
  readonly allowHttp: boolean;
  readonly findBlockedAddress: FindBlockedAddress;
}

/** The issuer is kept as it is written, since tokens must say the same. @throws RefusedError invalid */
export function parseIssuer(text: string, rules: IssuerRules): string {
  demandUrl('issuer', text, rules);
  if (text.includes('?')) throw fault('issuer', 'must not have a query');
  return text;
}

/** @throws RefusedError invalid */
export function parseJwksUrl(text: string, rules: IssuerRules): string {
  demandUrl('jwks_url', text, rules);
  return text;
}

function demandUrl(attribute: string, text: string, { allowHttp, findBlockedAddress }: IssuerRules): void {
  const url = URL.parse(text);
  if (!url || text !== text.trim()) throw fault(attribute, 'must be a valid URL');
  if (text.length > maxUrlLength) {
    throw fault(attribute, `is too long (maximum is ${maxUrlLength} characters)`);
  }
  const host = addressOf(url.hostname);
  const mayBeHttp = allowHttp || isLoopback(host);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && mayBeHttp)) {
    throw fault(attribute, 'is blocked: Only allowed schemes are https');
  }
  if (url.username || url.password) throw fault(attribute, 'must not have credentials');
  if (text.includes('#')) throw fault(attribute, 'must not have a fragment');
  const blocked = findBlockedAddress(host, false);
  if (blocked !== undefined) throw fault(attribute, `is blocked: ${blocked}`);
}

function isLoopback(host: string): boolean {
  return host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function fault(attribute: string, text: string): RefusedError {
  return new RefusedError('invalid', { [attribute]: [text] });
}
