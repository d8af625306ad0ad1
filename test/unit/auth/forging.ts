/** Registry tokens with a fault each, as an attacker would make them, for whatever service they pretend to come from. */
import { createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';
import { type JWTHeaderParameters, SignJWT } from 'jose';
import { createCertificate } from '../../../src/auth/tokens/key-certificates.ts';

export interface Genuine {
  readonly alg: 'ES256' | 'RS256';
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly claims: Readonly<Record<string, unknown>>;
}

export function sign(
  { alg, kid, privateKey, claims }: Genuine,
  changed: Readonly<Record<string, unknown>> = {},
  header: Partial<JWTHeaderParameters> = {},
  key: KeyObject = privateKey,
): Promise<string> {
  return new SignJWT({ ...claims, ...changed })
    .setProtectedHeader({ alg, typ: 'JWT', kid, ...header })
    .sign(key);
}

/**
 * A token of exactly so many characters.
 * @param make a token with this padding among its claims and this `typ`, for Base64 does not come in every length
 */
export async function tokenOfLength(
  length: number,
  make: (padding: string, typ: string) => Promise<string>,
): Promise<string> {
  const shortest = (await make('', 'JWT')).length;
  const padding = Math.floor(((length - shortest) * 3) / 4);
  for (const typ of ['JWT', 'JW', 'J']) {
    for (const more of [-2, -1, 0, 1, 2]) {
      const token = await make('x'.repeat(padding + more), typ);
      if (token.length === length) return token;
    }
  }
  throw new Error(`no token has ${length} characters`);
}

/** @param seconds the time at which they are shown, since the epoch */
export async function forgeries(genuine: Genuine, seconds: number): Promise<ReadonlyMap<string, string>> {
  const foreign =
    genuine.alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const brought = (header: Partial<JWTHeaderParameters>) => sign(genuine, {}, header, foreign.privateKey);
  const jwk = foreign.publicKey.export({ format: 'jwk' });
  const certificate = await createCertificate({ ...foreign, name: 'forged', from: seconds * 1000 });
  const x5c = [certificate.replace(/-----[^-]+-----|\n/g, '')];
  const good = await sign(genuine);
  const [header = '', payload = '', signature = ''] = good.split('.');
  const zeros = Buffer.alloc(Buffer.from(signature, 'base64url').length).toString('base64url');

  return new Map([
    ['another key', await brought({})],
    ['CVE-2025-24976, CVE-2018-0114: a jwk in its header, under our key id', await brought({ jwk })],
    ['CVE-2025-24976: a jwk in its header, under its own id', await brought({ jwk, kid: 'foreign' })],
    ['CVE-2025-24976: a jwk with a certificate', await brought({ jwk: { ...jwk, x5c } })],
    ['a certificate of its own in x5c', await brought({ x5c })],
    ['a jku that says where its key is', await brought({ jku: 'https://keys.example/jwks.json' })],
    ['an x5u that says where its certificate is', await brought({ x5u: 'https://keys.example/cert.pem' })],
    ['CVE-2015-9235: alg none', unsigned(genuine, payload, 'none')],
    ['CVE-2020-28042: alg none in another spelling', unsigned(genuine, payload, 'nOnE')],
    ['no alg', unsigned(genuine, payload, undefined)],
    ['CVE-2016-10555: HS256 with the public key as its secret', confused(genuine, payload)],
    ['CVE-2022-21449: a signature of zeros', `${header}.${payload}.${zeros}`],
    ['no signature', `${header}.${payload}.`],
    ['a signature of other claims', `${header}.${payload.slice(0, -4)}AAAA.${signature}`],
    ['an extension that must be understood', extended(genuine, payload)],
    ['CVE-2023-22482: another audience', await sign(genuine, { aud: 'elsewhere' })],
    ['no audience', await sign(genuine, { aud: undefined })],
    ['another issuer', await sign(genuine, { iss: 'someone-else' })],
    ['no issuer', await sign(genuine, { iss: undefined })],
    ['an end in the past', await sign(genuine, { exp: seconds - 300 })],
    ['no end', await sign(genuine, { exp: undefined })],
    ['a beginning in the future', await sign(genuine, { nbf: seconds + 300 })],
    ['an access list that is none', await sign(genuine, { access: 'everything' })],
    ['too many bytes', await sign(genuine, { padding: 'x'.repeat(20_000) })],
    ['nothing of a token', 'a.b.c'],
  ]);
}

function unsigned({ kid }: Genuine, payload: string, alg: string | undefined): string {
  return `${encode({ alg, typ: 'JWT', kid })}.${payload}.`;
}

function confused({ kid, publicKey }: Genuine, payload: string): string {
  const signed = `${encode({ alg: 'HS256', typ: 'JWT', kid })}.${payload}`;
  const secret = publicKey.export({ type: 'spki', format: 'pem' });
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

function extended({ alg, kid, privateKey: key }: Genuine, payload: string): string {
  const signed = `${encode({ alg, typ: 'JWT', kid, crit: ['limits'], limits: 'all' })}.${payload}`;
  const signature = signBytes('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

function encode(header: object): string {
  return Buffer.from(JSON.stringify(header)).toString('base64url');
}
