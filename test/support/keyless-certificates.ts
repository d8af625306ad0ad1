/** Certificates as Fulcio gives them: of an authority of the test's own, for whoever proved to be somebody, with the promise of a log. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  Set as AsnSet,
  type BaseBlock,
  BitString,
  Constructed,
  fromBER,
  Integer,
  ObjectIdentifier,
  OctetString,
  Primitive,
  Sequence,
  Boolean as Truth,
  UTCTime,
  Utf8String,
} from 'asn1js';

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export interface CertificateOf {
  readonly issuer: string;
  readonly subject: string;
  readonly key: KeyObject;
  /** Epoch milliseconds. */
  readonly from: number;
  readonly until: number;
}

const oids = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  basicConstraints: '2.5.29.19',
  subjectAltName: '2.5.29.17',
  /** https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md */
  issuer: '1.3.6.1.4.1.57264.1.8',
  /** https://www.rfc-editor.org/rfc/rfc6962#section-3.3 */
  scts: '1.3.6.1.4.1.11129.2.4.2',
} as const;
const contextSpecific = 3;
const uriName = 6;
const version3 = 2;
const algorithm = sequence(new ObjectIdentifier({ value: oids.ecdsaWithSha256 }));

export function newKeys(): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

export function spki(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' });
}

export function signed(bytes: Buffer, key: KeyObject): Buffer {
  return sign('sha256', bytes, key);
}

/** Its own certificate, in DER. */
export function authorityCertificate(name: string, keys: KeyPair, from: number, until: number): Buffer {
  const isAuthority = sequence(new Truth({ value: true }));
  const extensions = [extension(oids.basicConstraints, isAuthority)];
  return finished(body({ issuer: name, subject: name, key: keys.publicKey, from, until, extensions }), keys);
}

/**
 * Of somebody without a key of their own, in DER.
 * @param log promises that it is in the log of certificates; undefined: nobody does
 */
export function identityCertificate(
  of: CertificateOf,
  authority: KeyPair,
  name: string,
  log?: KeyPair,
): Buffer {
  const mail = new Primitive({
    idBlock: { tagClass: contextSpecific, tagNumber: uriName },
    valueHex: Buffer.from(of.subject),
  });
  const extensions = [
    extension(oids.subjectAltName, sequence(mail)),
    extension(oids.issuer, new Utf8String({ value: of.issuer })),
  ];
  const plain = { issuer: name, subject: undefined, key: of.key, from: of.from, until: of.until };
  if (log) {
    const listed = sctOf(
      Buffer.from(body({ ...plain, extensions }).toBER()),
      authority.publicKey,
      log,
      of.from,
    );
    extensions.push(extension(oids.scts, new OctetString({ valueHex: listed })));
  }
  return finished(body({ ...plain, extensions }), authority);
}

interface Body {
  readonly issuer: string;
  readonly subject: string | undefined;
  readonly key: KeyObject;
  readonly from: number;
  readonly until: number;
  readonly extensions: readonly BaseBlock[];
}

function body({ issuer, subject, key, from, until, extensions }: Body): Sequence {
  return sequence(
    tagged(0, new Integer({ value: version3 })),
    // It says nothing: no certificate is told by its number here.
    new Integer({ value: 1 }),
    algorithm,
    nameOf(issuer),
    sequence(new UTCTime({ valueDate: new Date(from) }), new UTCTime({ valueDate: new Date(until) })),
    subject === undefined ? sequence() : nameOf(subject),
    fromBER(spki(key)).result,
    tagged(3, sequence(...extensions)),
  );
}

function finished(certificate: Sequence, { privateKey }: KeyPair): Buffer {
  const signature = signed(Buffer.from(certificate.toBER()), privateKey);
  return Buffer.from(sequence(certificate, algorithm, new BitString({ valueHex: signature })).toBER());
}

/** A list of one promise for a certificate without it. https://www.rfc-editor.org/rfc/rfc6962#section-3.2 */
function sctOf(
  certificate: Buffer,
  authority: KeyObject,
  { privateKey, publicKey }: KeyPair,
  at: number,
): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(at));
  const length = Buffer.alloc(3);
  length.writeUIntBE(certificate.length, 0, 3);
  const noExtensions = Buffer.alloc(2);
  const preCertificate = Buffer.concat([sha256(spki(authority)), length, certificate]);
  const versionAndKind = Buffer.from([0, 0]);
  const entryKind = Buffer.from([0, 1]);
  const said = Buffer.concat([versionAndKind, time, entryKind, preCertificate, noExtensions]);
  const signature = signed(said, privateKey);
  const sha256WithEcdsa = Buffer.from([4, 3]);
  const sct = Buffer.concat([
    Buffer.from([0]),
    sha256(spki(publicKey)),
    time,
    noExtensions,
    sha256WithEcdsa,
    sized(signature),
  ]);
  return sized(sized(sct));
}

function sized(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function sequence(...value: BaseBlock[]): Sequence {
  return new Sequence({ value });
}

function tagged(tagNumber: number, content: BaseBlock): Constructed {
  return new Constructed({ idBlock: { tagClass: contextSpecific, tagNumber }, value: [content] });
}

function nameOf(commonName: string): Sequence {
  const attribute = sequence(
    new ObjectIdentifier({ value: oids.commonName }),
    new Utf8String({ value: commonName }),
  );
  return sequence(new AsnSet({ value: [attribute] }));
}

function extension(id: string, content: BaseBlock): Sequence {
  return sequence(new ObjectIdentifier({ value: id }), new OctetString({ valueHex: content.toBER() }));
}
