/** What is attached to images: cosign, Notation, ORAS and BuildKit each have types and tags of their own. */
import { algorithmOf, type Digest, hexOf } from './digest.ts';
import { parseTag, type Tag } from './reference.ts';

export type ReferrerKind = 'signature' | 'attestation' | 'sbom';

const kinds: ReadonlyMap<string, ReferrerKind> = new Map([
  ['application/vnd.dev.cosign.simplesigning.v1+json', 'signature'],
  ['application/vnd.dev.cosign.artifact.sig.v1+json', 'signature'],
  ['application/vnd.cncf.notary.signature', 'signature'],
  ['application/vnd.in-toto+json', 'attestation'],
  ['application/vnd.dsse.envelope.v1+json', 'attestation'],
  ['application/vnd.dev.cosign.artifact.sbom.v1+json', 'sbom'],
  ['application/spdx+json', 'sbom'],
  ['text/spdx', 'sbom'],
  ['text/spdx+json', 'sbom'],
  ['application/vnd.cyclonedx', 'sbom'],
  ['application/vnd.cyclonedx+json', 'sbom'],
  ['application/vnd.cyclonedx+xml', 'sbom'],
  ['application/vnd.syft+json', 'sbom'],
]);

const bundle = /^application\/vnd\.dev\.sigstore\.bundle/;

/** Undefined where the type says nothing of the three. */
export function referrerKindOf(
  artifactType: string | undefined,
  annotations: Readonly<Record<string, string>> = {},
): ReferrerKind | undefined {
  if (artifactType === undefined) return undefined;
  // A bundle has either, and says of what a statement is.
  if (bundle.test(artifactType))
    return annotations['dev.sigstore.bundle.predicateType'] === undefined ? 'signature' : 'attestation';
  return kinds.get(artifactType);
}

const endings = { sig: 'signature', att: 'attestation', sbom: 'sbom' } as const;

/** Where cosign puts what it attaches, at registries that do not list referrers. */
export function cosignTags(subject: Digest): readonly { readonly tag: Tag; readonly kind: ReferrerKind }[] {
  // With its ending, a longer digest is no tag any more.
  if (algorithmOf(subject) !== 'sha256') return [];
  return Object.entries(endings).map(([ending, kind]) => ({
    tag: parseTag(`sha256-${hexOf(subject)}.${ending}`),
    kind,
  }));
}
