/** Repository names, tags and references. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests */
import { type Digest, isDigest, parseDigest } from './digest.ts';
import { OciError } from './errors.ts';

/** The path of a repository, made only by {@link parseRepositoryName}. */
export type RepositoryName = string & { readonly __brand: 'RepositoryName' };
/** All repositories below a path, which may be a group's, as scopes name them: `acme/shop/*`. Made only by {@link belowName}. */
export type BelowName = string & { readonly __brand: 'BelowName' };
/** Made only by {@link parseReference} and {@link parseTag}. */
export type Tag = string & { readonly __brand: 'Tag' };
export type Reference = Tag | Digest;

const maxNameLength = 255;
const namePattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

export function isTag(text: string): text is Tag {
  return tagPattern.test(text);
}

export function isRepositoryName(text: string): text is RepositoryName {
  return text.length <= maxNameLength && namePattern.test(text);
}

/** @throws OciError NAME_INVALID */
export function parseRepositoryName(text: string): RepositoryName {
  if (isRepositoryName(text)) return text;
  const lower = text.toLowerCase();
  const hint = isRepositoryName(lower) ? `. Names are in lower case: '${lower}'` : '';
  throw new OciError('NAME_INVALID', {
    detail: `'${text.slice(0, 160)}' is not a repository name: lower-case letters, digits and . _ - between them, segments joined by /, at most ${maxNameLength} characters${hint}`,
  });
}

const belowEnd = '/*';

export function belowName(path: RepositoryName): BelowName {
  return `${path}${belowEnd}` as BelowName;
}

export function isBelowName(name: RepositoryName | BelowName): name is BelowName {
  return name.endsWith(belowEnd);
}

/** The path; undefined where the text is no {@link BelowName}. */
export function findPathOfBelow(text: string): RepositoryName | undefined {
  const path = text.endsWith(belowEnd) ? text.slice(0, -belowEnd.length) : '';
  return isRepositoryName(path) ? path : undefined;
}

/** @throws OciError MANIFEST_INVALID */
export function parseTag(text: string): Tag {
  if (isTag(text)) return text;
  throw new OciError('MANIFEST_INVALID', {
    detail: `'${text.slice(0, 160)}' is not a tag: letters, digits, _ . -, at most 128, not starting with . or -`,
  });
}

/** A text with a colon is a digest, any other a tag. @throws OciError DIGEST_INVALID or MANIFEST_INVALID */
export function parseReference(text: string): Reference {
  return text.includes(':') ? parseDigest(text) : parseTag(text);
}

/**
 * Splits an image as people write it: `library/alpine:3.20`, `library/alpine@sha256:…`. Without a tag it is `latest`; beside a digest a tag
 * says nothing.
 * @throws OciError NAME_INVALID, DIGEST_INVALID or MANIFEST_INVALID
 */
export function parseImage(text: string): { readonly image: RepositoryName; readonly reference: Reference } {
  const [named = '', digest] = text.split('@', 2);
  const colon = named.indexOf(':', named.lastIndexOf('/'));
  const name = colon === -1 ? named : named.slice(0, colon);
  const tag = colon === -1 ? 'latest' : named.slice(colon + 1);
  return { image: parseRepositoryName(name), reference: parseReference(digest ?? tag) };
}

export function isDigestReference(reference: Reference): reference is Digest {
  return isDigest(reference);
}

/** Of the group around a project or a group; empty for one at the top. */
export function parentPathOf(fullPath: string): string {
  return fullPath.slice(0, Math.max(0, fullPath.lastIndexOf('/')));
}

/** Whether no hosted repository can have it: all names that begin like those of virtual registries are kept for them. */
export function isVirtualName(name: RepositoryName): boolean {
  return name.startsWith('virtual_registries/');
}

const virtualPrefix = 'virtual_registries/container';

/** What an image of a virtual registry is called; no name where `image` is none. */
export function virtualName(registryId: number | string, image: string): string {
  return `${virtualPrefix}/${registryId}/${image}`;
}

const virtualPattern = /^virtual_registries\/container\/([1-9][0-9]{0,14})\/(.+)$/;

/**
 * Splits `virtual_registries/container/<id>/<repository>`, the names that belong to virtual registries.
 * Undefined for any other name.
 */
export function parseVirtualName(
  name: RepositoryName,
): { registryId: number; repository: RepositoryName } | undefined {
  const match = virtualPattern.exec(name);
  if (!match) return undefined;
  const [, id, repository] = match;
  if (id === undefined || repository === undefined) return undefined;
  return { registryId: Number(id), repository: parseRepositoryName(repository) };
}
