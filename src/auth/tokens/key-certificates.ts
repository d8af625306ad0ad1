/**
 * Self-signed certificates of our signing keys, for registries that take keys in no other form (`rootcertbundle`). They say
 * which key is ours and nothing else: no authority to sign others, and no end, since it is us who retire keys.
 * https://www.rfc-editor.org/rfc/rfc5280#section-4.1
 */
import { type KeyObject, randomBytes, sign } from 'node:crypto';
import type { BaseBlock } from 'asn1js';

export interface CertificateRequest {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** The certificate's common name; at most 64 characters. */
  readonly name: string;
  /** Epoch milliseconds before 2050, where the form of the date ends. */
  readonly from: number;
}

const oids = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
} as const;
/** RFC 5280 §4.1.2.5 means no end by it. */
const noEnd = new Date('9999-12-31T23:59:59Z');
const version3 = 2;
const contextSpecific = 3;
const digitalSignature = { byte: 0x80, unusedBits: 7 } as const;
const serialBytes = 16;

/** The certificate in PEM, for a key of the curve P-256. */
export async function createCertificate({
  privateKey,
  publicKey,
  name,
  from,
}: CertificateRequest): Promise<string> {
  // It is needed once for each key, which is not worth 8 MiB of every server that runs.
  const asn1 = await import('asn1js');
  const sequence = (...value: BaseBlock[]) => new asn1.Sequence({ value });
  const oid = (value: string) => new asn1.ObjectIdentifier({ value });
  const tagged = (tagNumber: number, content: BaseBlock) =>
    new asn1.Constructed({ idBlock: { tagClass: contextSpecific, tagNumber }, value: [content] });
  const critical = (id: string, content: BaseBlock) =>
    sequence(oid(id), new asn1.Boolean({ value: true }), new asn1.OctetString({ valueHex: content.toBER() }));

  const algorithm = sequence(oid(oids.ecdsaWithSha256));
  const commonName = sequence(oid(oids.commonName), new asn1.Utf8String({ value: name }));
  const subject = sequence(new asn1.Set({ value: [commonName] }));
  const usage = new asn1.BitString({ valueHex: Uint8Array.of(digitalSignature.byte), ...digitalSignature });
  const signed = sequence(
    tagged(0, new asn1.Integer({ value: version3 })),
    new asn1.Integer({ valueHex: serialNumber() }),
    algorithm,
    subject,
    sequence(new asn1.UTCTime({ valueDate: new Date(from) }), new asn1.GeneralizedTime({ valueDate: noEnd })),
    subject,
    asn1.fromBER(publicKey.export({ format: 'der', type: 'spki' })).result,
    tagged(3, sequence(critical(oids.basicConstraints, sequence()), critical(oids.keyUsage, usage))),
  );
  const signature = sign('sha256', Buffer.from(signed.toBER()), privateKey);
  return toPem(sequence(signed, algorithm, new asn1.BitString({ valueHex: signature })).toBER());
}

/** A random number that is positive, and has no zero in front. */
function serialNumber(): Buffer {
  const serial = randomBytes(serialBytes);
  serial.writeUInt8((serial.readUInt8() & 0x3f) | 0x40);
  return serial;
}

function toPem(der: ArrayBuffer): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
}
