/**
 * Signing without a key of one's own, as cosign does by Sigstore's services: an authority, a log of certificates and one of signatures, all
 * of the test's own, and what they and cosign write beside an image. https://github.com/sigstore/protobuf-specs
 */
import type { Digest } from '../../src/oci/digest.ts';
import { ociManifest } from '../../src/oci/media-types.ts';
import { bytesBlob, type FakeManifest } from './fake-content.ts';
import {
  authorityCertificate,
  identityCertificate,
  type KeyPair,
  newKeys,
  sha256,
  signed,
  spki,
} from './keyless-certificates.ts';

export interface KeylessOptions {
  readonly digest: Digest;
  /** The image that it is put beside, in place of the one that it is of. */
  readonly beside?: Digest;
  readonly issuer?: string;
  readonly subject?: string;
  /** When it was signed, in epoch milliseconds. */
  readonly at?: number;
  /** Who certifies the identity, in place of this one. */
  readonly authority?: Sigstore;
  /** Whose log of signatures has it; undefined: none. */
  readonly log?: Sigstore | undefined;
  /** Whose log of certificates has it; undefined: none. */
  readonly certificateLog?: Sigstore | undefined;
  /** Whether the log promises when it was told. */
  readonly isPromised?: boolean;
  /** What the log was told of in place of the signature. */
  readonly logged?: Buffer;
}

interface LogEntry {
  readonly body: Buffer;
  readonly promise: Buffer;
  readonly integratedTime: number;
  readonly keys: KeyPair;
}

const simpleSigning = 'application/vnd.dev.cosign.simplesigning.v1+json';
const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const statementType = 'application/vnd.in-toto+json';
const minute = 60_000;
const year = 365 * 24 * 60 * minute;
const authorityName = 'authority.test';
const logName = 'log.test';
export const signedAt = Date.UTC(2025, 5, 1);
export const issuer = 'https://accounts.test';
export const subject = 'https://acme.test/release';

export class Sigstore {
  readonly authority = newKeys();
  readonly certificates = newKeys();
  readonly signatures = newKeys();

  /** As a policy takes it. */
  trustedRoot({ hasCertificateLog = true, hasLog = true } = {}): string {
    const validFor = { start: new Date(signedAt - year).toISOString() };
    const log = ({ publicKey }: KeyPair) => ({
      baseUrl: `https://${logName}`,
      hashAlgorithm: 'SHA2_256',
      publicKey: base64Key(publicKey, validFor),
      logId: { keyId: sha256(spki(publicKey)).toString('base64') },
    });
    return JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: hasLog ? [log(this.signatures)] : [],
      ctlogs: hasCertificateLog ? [log(this.certificates)] : [],
      certificateAuthorities: [
        {
          subject: { organization: 'test', commonName: authorityName },
          uri: `https://${authorityName}`,
          certChain: { certificates: [{ rawBytes: this.#certificate().toString('base64') }] },
          validFor,
        },
      ],
      timestampAuthorities: [],
    });
  }

  /** Under cosign's tag. */
  tagged(options: KeylessOptions): FakeManifest {
    const payload = JSON.stringify({
      critical: {
        identity: { 'docker-reference': '' },
        image: { 'docker-manifest-digest': options.digest },
        type: 'cosign container image signature',
      },
      optional: null,
    });
    const keys = newKeys();
    const signature = signed(Buffer.from(payload), keys.privateKey);
    const certificate = pemOf(this.#identity(options, keys));
    const entry = this.#log(options, {
      apiVersion: '0.0.1',
      kind: 'hashedrekord',
      spec: {
        data: { hash: { algorithm: 'sha256', value: sha256(Buffer.from(payload)).toString('hex') } },
        signature: {
          content: (options.logged ?? signature).toString('base64'),
          publicKey: { content: Buffer.from(certificate).toString('base64') },
        },
      },
    });
    return artifact(simpleSigning, payload, undefined, {
      'dev.cosignproject.cosign/signature': signature.toString('base64'),
      'dev.sigstore.cosign/certificate': certificate,
      ...(entry && { 'dev.sigstore.cosign/bundle': JSON.stringify(asAnnotation(entry)) }),
    });
  }

  /** A bundle that refers to the image. */
  bundled(options: KeylessOptions): FakeManifest {
    const { digest } = options;
    const payload = Buffer.from(
      JSON.stringify({
        _type: 'https://in-toto.io/Statement/v1',
        subject: [{ digest: { sha256: digest.slice('sha256:'.length) } }],
        predicateType: 'https://sigstore.dev/cosign/sign/v1',
        predicate: {},
      }),
    );
    const keys = newKeys();
    const encoded = `DSSEv1 ${statementType.length} ${statementType} ${payload.length} `;
    const signature = signed(Buffer.concat([Buffer.from(encoded), payload]), keys.privateKey);
    const certificate = this.#identity(options, keys);
    const entry = this.#log(options, {
      apiVersion: '0.0.1',
      kind: 'dsse',
      spec: {
        envelopeHash: { algorithm: 'sha256', value: sha256(payload).toString('hex') },
        payloadHash: { algorithm: 'sha256', value: sha256(payload).toString('hex') },
        signatures: [
          {
            signature: (options.logged ?? signature).toString('base64'),
            verifier: Buffer.from(pemOf(certificate)).toString('base64'),
          },
        ],
      },
    });
    const bundle = {
      mediaType: bundleType,
      verificationMaterial: {
        certificate: { rawBytes: certificate.toString('base64') },
        tlogEntries: entry ? [asEntry(entry, options.isPromised ?? true)] : [],
        timestampVerificationData: { rfc3161Timestamps: [] },
      },
      dsseEnvelope: {
        payload: payload.toString('base64'),
        payloadType: statementType,
        signatures: [{ sig: signature.toString('base64'), keyid: '' }],
      },
    };
    return artifact(bundleType, JSON.stringify(bundle), options.beside ?? digest);
  }

  #certificate(): Buffer {
    return authorityCertificate(authorityName, this.authority, signedAt - year, signedAt + 20 * year);
  }

  /** Good for ten minutes, as Fulcio's. */
  #identity(options: KeylessOptions, { publicKey }: KeyPair): Buffer {
    const { authority = this } = options;
    const certificateLog = 'certificateLog' in options ? options.certificateLog : this;
    const of = {
      issuer,
      subject,
      ...options,
      key: publicKey,
      from: signedAt - minute,
      until: signedAt + 9 * minute,
    };
    return identityCertificate(of, authority.authority, authorityName, certificateLog?.certificates);
  }

  #log(options: KeylessOptions, entry: object): LogEntry | undefined {
    const log = 'log' in options ? options.log : this;
    if (!log) return undefined;
    const keys = log.signatures;
    const body = Buffer.from(JSON.stringify(entry));
    const integratedTime = Math.floor((options.at ?? signedAt) / 1000);
    const logID = sha256(spki(keys.publicKey)).toString('hex');
    const said = { body: body.toString('base64'), integratedTime, logID, logIndex: 0 };
    return {
      body,
      integratedTime,
      keys,
      promise: signed(Buffer.from(JSON.stringify(said)), keys.privateKey),
    };
  }
}

function base64Key(key: KeyPair['publicKey'], validFor: object) {
  return { rawBytes: spki(key).toString('base64'), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor };
}

function asAnnotation({ body, integratedTime, keys, promise }: LogEntry) {
  return {
    SignedEntryTimestamp: promise.toString('base64'),
    Payload: {
      body: body.toString('base64'),
      integratedTime,
      logIndex: 0,
      logID: sha256(spki(keys.publicKey)).toString('hex'),
    },
  };
}

/** The only one of its log, whose root is its hash. https://www.rfc-editor.org/rfc/rfc6962#section-2.1 */
function asEntry({ body, integratedTime, keys, promise }: LogEntry, isPromised: boolean) {
  const rootHash = sha256(Buffer.concat([Buffer.from([0]), body])).toString('base64');
  const keyId = sha256(spki(keys.publicKey));
  const note = `${logName}\n1\n${rootHash}\n`;
  const by = Buffer.concat([keyId.subarray(0, 4), signed(Buffer.from(note), keys.privateKey)]);
  const { kind, apiVersion } = JSON.parse(body.toString());
  return {
    logIndex: '0',
    logId: { keyId: keyId.toString('base64') },
    kindVersion: { kind, version: apiVersion },
    integratedTime: String(integratedTime),
    ...(isPromised && { inclusionPromise: { signedEntryTimestamp: promise.toString('base64') } }),
    inclusionProof: {
      logIndex: '0',
      rootHash,
      treeSize: '1',
      hashes: [],
      checkpoint: { envelope: `${note}\n— ${logName} ${by.toString('base64')}\n` },
    },
    canonicalizedBody: body.toString('base64'),
  };
}

function artifact(
  type: string,
  content: string,
  subjectDigest: Digest | undefined,
  annotations: Readonly<Record<string, string>> = {},
): FakeManifest {
  const config = bytesBlob('{}');
  const layer = bytesBlob(content);
  const said = subjectDigest && { mediaType: ociManifest, digest: subjectDigest, size: 1 };
  const payload = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: ociManifest,
      ...(said && { artifactType: type, subject: said }),
      config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: config.digest, size: config.size },
      layers: [{ mediaType: type, digest: layer.digest, size: layer.size, annotations }],
    }),
  );
  const { digest } = bytesBlob(payload);
  return {
    digest,
    mediaType: ociManifest,
    payload,
    subject: subjectDigest,
    artifactType: subjectDigest && type,
    annotations: undefined,
    config,
    layers: [layer],
  };
}

function pemOf(der: Buffer): string {
  const lines = der.toString('base64').replace(/.{1,64}/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
}
