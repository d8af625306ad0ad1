/**
 * Signatures of cosign, verified by Sigstore's own library: simple signing, which becomes a bundle, and bundles. The log says when
 * somebody without a key of their own signed, and only then their certificate has to be valid.
 */
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import type { Bundle } from '@sigstore/bundle';
import type { TrustMaterial } from '@sigstore/verify';
import type { SignatureTrust } from '../metadata/admission/signature-policies.ts';
import type { Digest } from '../oci/digest.ts';
import { isRecord, type JsonRecord, parseJsonRecord } from '../oci/untrusted-json.ts';
import { Globs } from '../rules/globs.ts';
import { SignatureFault } from './signature-fault.ts';
import type { FoundSignature } from './signature-search.ts';

const annotation = {
  signature: 'dev.cosignproject.cosign/signature',
  certificate: 'dev.sigstore.cosign/certificate',
  log: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
} as const;

const statementType = 'application/vnd.in-toto+json';
/** What cosign states where it signs an image; statements of other kinds are attestations. */
const signPredicate = 'https://sigstore.dev/cosign/sign/v1';

async function loadLibraries() {
  const [bundles, verify, specs] = await Promise.all([
    import('@sigstore/bundle'),
    import('@sigstore/verify'),
    import('@sigstore/protobuf-specs'),
  ]);
  return { bundles, verify, specs };
}

/** @returns who signed, for people. @throws SignatureFault for what does not count */
export type Verifier = (signature: FoundSignature, digest: Digest) => string;

/** What verifies by it. @throws Error for a trusted root that cannot be read, GlobError for a subject that is no glob */
export async function readTrust({ cosignKeys, identities, trustedRoot }: SignatureTrust): Promise<Verifier> {
  const { bundles, verify, specs } = await loadLibraries();
  const material = (root: unknown, publicKey?: string): TrustMaterial =>
    verify.toTrustMaterial(specs.TrustedRoot.fromJSON(root), () => keyMaterial(publicKey));
  const keys = cosignKeys.map(({ name, publicKey }) => ({ name, material: material({}, publicKey) }));
  const root = trustedRoot === undefined ? undefined : material(JSON.parse(trustedRoot));
  const trusted = identities.map(({ issuer, subject }) => ({ issuer, subjects: Globs.parse([subject]) }));

  const verifyByKey = (bundle: Bundle, payload: Buffer): string => {
    // The key is trusted whenever it signs, so that nothing depends on logs.
    const { verificationMaterial } = bundle;
    const alone = {
      ...bundle,
      verificationMaterial: {
        ...verificationMaterial,
        tlogEntries: [],
        timestampVerificationData: undefined,
      },
    } as Bundle;
    const entity = verify.toSignedEntity(alone, payload);
    const none = { ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0 };
    for (const key of keys) {
      try {
        new verify.Verifier(key.material, none).verify(entity);
        return `the cosign key ${key.name}`;
      } catch (error) {
        if (!(error instanceof verify.VerificationError)) throw error;
      }
    }
    throw new SignatureFault(
      keys.length === 0
        ? 'is by a key, and no key is trusted'
        : 'is by none of the trusted keys, or not of what it says',
    );
  };

  const verifyByIdentity = (bundle: Bundle, payload: Buffer): string => {
    if (trusted.length === 0) throw new SignatureFault('is by an identity, and no identity is trusted');
    if (!root)
      throw new SignatureFault('is by an identity, which no trusted root is given for: set trusted_root');
    const verifier = new verify.Verifier(root, {
      ctlogThreshold: root.ctlogs.length > 0 ? 1 : 0,
      tlogThreshold: root.tlogs.length > 0 ? 1 : 0,
      timestampThreshold: 1,
    });
    const { identity } = verifier.verify(verify.toSignedEntity(bundle, payload));
    const issuer = identity?.extensions?.issuer ?? '';
    const subject = identity?.subjectAlternativeName ?? '';
    if (!trusted.some((each) => each.issuer === issuer && each.subjects.matches(subject)))
      throw new SignatureFault(`is by ${subject} of ${issuer}, who is not trusted`);
    return `${subject} of ${issuer}`;
  };

  return (signature, digest) => {
    try {
      const { bundle, payload } = read(bundles.bundleFromJSON, signature, digest);
      const { content } = bundle.verificationMaterial;
      return content.$case === 'publicKey' ? verifyByKey(bundle, payload) : verifyByIdentity(bundle, payload);
    } catch (error) {
      if (error instanceof SignatureFault) throw error;
      // Whatever the libraries stumble over was written by anyone.
      throw new SignatureFault(`does not verify: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
  };
}

function keyMaterial(pem: string | undefined) {
  if (pem === undefined) throw new SignatureFault('is by a key, where an identity was expected');
  return { publicKey: createPublicKey(pem), validFor: () => true };
}

type ParseBundle = (json: unknown) => Bundle;

/** The bundle, and what is signed where that is not in it. @throws SignatureFault unless it says that it is of the digest */
function read(parse: ParseBundle, { kind, bytes, annotations }: FoundSignature, digest: Digest) {
  if (kind === 'simple-signing') {
    const { critical } = parseJsonRecord(bytes) ?? {};
    const image = isRecord(critical) ? critical['image'] : undefined;
    demandDigest(isRecord(image) ? image['docker-manifest-digest'] : undefined, digest);
    return { bundle: parse(bundleJson(bytes, annotations)), payload: bytes };
  }
  const bundle = parse(parseJsonRecord(bytes));
  if (bundle.content.$case !== 'dsseEnvelope') throw new SignatureFault('states nothing of an image');
  const { payloadType, payload } = bundle.content.dsseEnvelope;
  const { predicateType, subject } = parseJsonRecord(payload) ?? {};
  if (payloadType !== statementType || predicateType !== signPredicate)
    throw new SignatureFault('is an attestation and no signature');
  const subjects = Array.isArray(subject) ? subject.map(digestIn) : [];
  demandDigest(subjects.find((each) => each === digest) ?? subjects[0], digest);
  return { bundle, payload };
}

function digestIn(subject: unknown): string | undefined {
  const said = isRecord(subject) ? subject['digest'] : undefined;
  return isRecord(said) && typeof said['sha256'] === 'string' ? `sha256:${said['sha256']}` : undefined;
}

function demandDigest(said: unknown, digest: Digest): void {
  if (said !== digest) throw new SignatureFault(`is of another image: ${String(said).slice(0, 80)}`);
}

/** A bundle of what cosign keeps in annotations. https://github.com/sigstore/cosign/blob/v3.1.3/specs/SIGNATURE_SPEC.md */
function bundleJson(payload: Buffer, annotations: Readonly<Record<string, string>>): JsonRecord {
  const { [annotation.certificate]: certificate, [annotation.timestamp]: timestamp } = annotations;
  const stamped = jsonOf(timestamp)?.['SignedRFC3161Timestamp'];
  const log = jsonOf(annotations[annotation.log]);
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    verificationMaterial: {
      ...(certificate
        ? { x509CertificateChain: { certificates: [{ rawBytes: derOf(certificate) }] } }
        : { publicKey: { hint: '' } }),
      tlogEntries: log ? [logEntry(log)] : [],
      timestampVerificationData: { rfc3161Timestamps: stamped ? [{ signedTimestamp: stamped }] : [] },
    },
    messageSignature: {
      messageDigest: { algorithm: 'SHA2_256', digest: createHash('sha256').update(payload).digest('base64') },
      signature: annotations[annotation.signature] ?? '',
    },
  };
}

function logEntry({ SignedEntryTimestamp: promise, Payload: said }: JsonRecord): JsonRecord {
  const { body, integratedTime, logIndex, logID } = isRecord(said) ? said : {};
  const { kind, apiVersion } = parseJsonRecord(Buffer.from(String(body), 'base64')) ?? {};
  return {
    logIndex: String(logIndex),
    logId: { keyId: Buffer.from(String(logID), 'hex').toString('base64') },
    kindVersion: { kind, version: apiVersion },
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp: promise },
    canonicalizedBody: body,
  };
}

function jsonOf(text: string | undefined): JsonRecord | undefined {
  return text === undefined ? undefined : parseJsonRecord(Buffer.from(text));
}

function derOf(pem: string): string {
  return new X509Certificate(pem).raw.toString('base64');
}
