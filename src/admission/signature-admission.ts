/**
 * Lets in what is signed as the policy of its place wants it. An image is verified once: who signed it is remembered in the records and in
 * memory. What an index's signature covers is let in with it.
 */
import { LRUCache } from 'lru-cache';
import { upTo } from '../cache/up-to.ts';
import { SingleFlight } from '../concurrency/single-flight.ts';
import type { PolicyInForce, SignaturePolicies } from '../metadata/admission/signature-policies.ts';
import type { SignedDigest, SignedDigests } from '../metadata/admission/signed-digests.ts';
import type { Repositories } from '../metadata/hosted/repositories.ts';
import { OciError } from '../oci/errors.ts';
import { parseManifest } from '../oci/manifest.ts';
import { manifestKindOf } from '../oci/media-types.ts';
import type { AdmissionPolicy, ImagePlace, JudgedImage } from './admission-policy.ts';
import { isDocument } from './documents.ts';
import { SignatureFault } from './signature-fault.ts';
import { findSignatures } from './signature-search.ts';
import { readTrust, type Verifier } from './sigstore.ts';
import type { Verdict } from './verdict.ts';

export interface SignatureAdmissionOptions {
  readonly database: {
    readonly signaturePolicies: Pick<SignaturePolicies, 'listInForce' | 'find'>;
    readonly signedDigests: Pick<SignedDigests, 'find' | 'save'>;
    readonly repositories: Pick<Repositories, 'find'>;
  };
  readonly now: () => number;
}

/** So that a change by another process is seen. */
const policiesMs = 5000;
/** A signature that was missing may be there now, and no crowd may ask for it at once. */
const refusedMs = 10_000;
const maxRemembered = 50_000;
const maxVerifiers = 100;
/** Looking for signatures and reading them. */
const searchMs = 60_000;
/** Of different ones in one sentence. */
const maxFaults = 3;
/** Where clients list referrers at registries that do not: a list that is signed by nobody. */
const referrersTag = /^sha(?:256|512)-[0-9a-f]{64}$/;

type InForce = ReadonlyMap<string, PolicyInForce>;

/** Who signed it, or why nobody whom the policy trusts did. */
type Finding = { readonly signed: SignedDigest } | { readonly reason: string };

export class SignatureAdmission implements AdmissionPolicy {
  readonly name = 'signatures';
  readonly #options: SignatureAdmissionOptions;
  readonly #letIn = new LRUCache<string, SignedDigest>(upTo(maxRemembered));
  readonly #refused: LRUCache<string, string>;
  /** The projects of repositories. */
  readonly #projects: LRUCache<number, number>;
  readonly #verifiers = new LRUCache<string, Promise<Verifier>>(upTo(maxVerifiers));
  readonly #flights = new SingleFlight<Finding>();
  /** A new one after a change: what is being read may be older. */
  #readings = new SingleFlight<InForce>();
  #known: { readonly policies: InForce; readonly readAt: number } | undefined;

  constructor(options: SignatureAdmissionOptions) {
    this.#options = options;
    const clock = { ttlResolution: 0, perf: { now: options.now } };
    this.#refused = new LRUCache({ ...upTo(maxRemembered), ttl: refusedMs, ...clock });
    this.#projects = new LRUCache({ ...upTo(maxRemembered), ttl: policiesMs, ...clock });
  }

  /** After a change of policies. */
  forgetPolicies(): void {
    this.#known = undefined;
    this.#readings = new SingleFlight();
  }

  isOn(place: ImagePlace): boolean | Promise<boolean> {
    const known = this.#knownPolicies();
    // None is what most servers have.
    if (known?.size === 0) return false;
    return this.#find(place).then((policy) => policy !== undefined);
  }

  async judge(image: JudgedImage, signal?: AbortSignal): Promise<Verdict> {
    const policy = await this.#find(image.place);
    if (!policy) return { policy: this.name, kind: 'admitted', reason: 'no signature is asked for' };
    const { mediaType, reference } = image;
    if (referrersTag.test(reference) && manifestKindOf(mediaType) === 'index')
      return { policy: this.name, kind: 'admitted', reason: 'it is a list of referrers' };
    const finding = await this.#findSigner(policy, image, signal);
    if (!('signed' in finding))
      return {
        policy: this.name,
        kind: policy.mode === 'warn' ? 'warned' : 'refused',
        reason: `${image.digest} ${finding.reason}`,
      };
    const { signer, foundAt, coveredBy, verifiedAt } = finding.signed;
    const covering = coveredBy === undefined ? '' : `, which covers it as a part of ${coveredBy}`;
    return {
      policy: this.name,
      kind: 'admitted',
      reason: `it is signed by ${signer}`,
      evidence: `${foundAt}${covering}`,
      since: verifiedAt,
    };
  }

  #knownPolicies(): InForce | undefined {
    const known = this.#known;
    return known && this.#options.now() < known.readAt + policiesMs ? known.policies : undefined;
  }

  async #find(place: ImagePlace): Promise<PolicyInForce | undefined> {
    const readings = this.#readings;
    const known =
      this.#knownPolicies() ?? (await readings.run('all', () => this.#readPolicies(readings)).outcome);
    if (known.size === 0) return undefined;
    if (place.kind === 'virtual') return known.get(`registry ${place.registryId}`);
    return known.get(`project ${await this.#projectOf(place.repositoryId)}`);
  }

  async #readPolicies(readings: SingleFlight<InForce>): Promise<InForce> {
    const { database, now } = this.#options;
    const readAt = now();
    const listed = await database.signaturePolicies.listInForce();
    const inForce = new Map(
      listed.map((policy) => [
        policy.registryId === undefined ? `project ${policy.projectId}` : `registry ${policy.registryId}`,
        policy,
      ]),
    );
    if (readings === this.#readings) this.#known = { policies: inForce, readAt };
    return inForce;
  }

  async #projectOf(repositoryId: number): Promise<number | undefined> {
    const known = this.#projects.get(repositoryId);
    if (known !== undefined) return known;
    const found = (await this.#options.database.repositories.find(repositoryId))?.projectId;
    if (found !== undefined) this.#projects.set(repositoryId, found);
    return found;
  }

  async #findSigner(policy: PolicyInForce, image: JudgedImage, signal?: AbortSignal): Promise<Finding> {
    const { now } = this.#options;
    const { place, digest } = image;
    const key = `${policy.fingerprint} ${digest}`;
    const known = this.#letIn.get(key);
    if (known) return { signed: known };
    // What one place lacks another may have.
    const where = place.kind === 'virtual' ? `${place.registryId}/${place.upstream.id}` : 'hosted';
    const refusal = `${where}/${place.repository} ${key}`;
    const reason = this.#refused.get(refusal);
    if (reason !== undefined) return { reason };
    const find = async (unwanted: AbortSignal): Promise<Finding> => {
      const recorded = await this.#options.database.signedDigests.find(policy.fingerprint, digest);
      if (recorded) return this.#keep(policy, image, recorded);
      const limit = AbortSignal.any([unwanted, AbortSignal.timeout(searchMs)]);
      const found = await this.#verify(policy, image, limit);
      if (typeof found === 'string') {
        if (!unwanted.aborted) this.#refused.set(refusal, found);
        return { reason: found };
      }
      return this.#keep(policy, image, { ...found, coveredBy: undefined, verifiedAt: now() });
    };
    return this.#flights.run(refusal, find, signal).outcome;
  }

  /** Who signed it, or a reason that follows the digest. */
  async #verify(
    policy: PolicyInForce,
    image: JudgedImage,
    signal: AbortSignal,
  ): Promise<Pick<SignedDigest, 'signer' | 'foundAt'> | string> {
    const { content, digest } = image;
    try {
      if (await isDocument(image, signal))
        return { signer: 'nobody: it holds documents, which cannot be run', foundAt: 'its own layers' };
      const verify = await this.#verifierOf(policy);
      const faults = new Set<string>();
      let count = 0;
      for await (const found of findSignatures(content, digest, signal)) {
        count += 1;
        try {
          if (found instanceof SignatureFault) throw found;
          return { signer: verify(found, digest), foundAt: found.foundAt };
        } catch (error) {
          if (!(error instanceof SignatureFault)) throw error;
          faults.add(error.message);
        }
      }
      if (count === 0) return 'is not signed: no signature of cosign was found beside it';
      const told = [...faults].slice(0, maxFaults).join('; it ');
      return `has ${count === 1 ? 'a signature' : `${count} signatures`} that cannot be trusted: it ${told}`;
    } catch (error) {
      if (error instanceof OciError)
        return `cannot be verified, its signatures cannot be read: ${error.message}`;
      if (signal.aborted) return 'cannot be verified: its signatures were not read in time';
      throw error;
    }
  }

  /** With what an index lists: its signature covers those. */
  async #keep(
    { fingerprint }: PolicyInForce,
    { digest, payload, mediaType }: JudgedImage,
    signed: SignedDigest,
  ): Promise<Finding> {
    const { references } = parseManifest(payload, mediaType);
    const children = references.filter(({ kind }) => kind === 'manifest').map((child) => child.digest);
    const covered = { ...signed, coveredBy: digest };
    await this.#options.database.signedDigests.save(fingerprint, [digest], signed);
    await this.#options.database.signedDigests.save(fingerprint, children, covered);
    this.#letIn.set(`${fingerprint} ${digest}`, signed);
    for (const child of children) this.#letIn.set(`${fingerprint} ${child}`, covered);
    return { signed };
  }

  async #verifierOf({ fingerprint, registryId, projectId }: PolicyInForce): Promise<Verifier> {
    const known = this.#verifiers.get(fingerprint);
    if (known) return known;
    const policy = await this.#options.database.signaturePolicies.find({ registryId, projectId });
    // It was changed just now: the next pull goes by what it says then.
    if (policy?.fingerprint !== fingerprint)
      throw new OciError('UNAVAILABLE', { detail: 'the policy was changed meanwhile: try again' });
    const made = readTrust(policy.trust);
    this.#verifiers.set(fingerprint, made);
    made.catch(() => this.#verifiers.delete(fingerprint));
    return made;
  }
}
