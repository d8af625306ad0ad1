/** Groups, projects, repositories and content to begin a test of hosted records with. */
import type { BlobRecord } from '../../src/metadata/content/blobs.ts';
import type { Records } from '../../src/metadata/db/records.ts';
import type { RepositoryRecord } from '../../src/metadata/hosted/repositories.ts';
import type { NewHostedManifest } from '../../src/metadata/hosted/repository-manifests.ts';
import type { Group, Visibility } from '../../src/metadata/namespaces/groups.ts';
import type { Project } from '../../src/metadata/namespaces/projects.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { ociManifest } from '../../src/oci/media-types.ts';

/** The group of this full path, with those above it. */
export async function createGroup(
  records: Records,
  fullPath: string,
  visibility: Visibility = 'private',
): Promise<Group> {
  const known = await records.groups.findByPath(fullPath);
  if (known) return known;
  const end = fullPath.lastIndexOf('/');
  const path = fullPath.slice(end + 1);
  const parentId = end < 0 ? undefined : (await createGroup(records, fullPath.slice(0, end), visibility)).id;
  return records.groups.create({ parentId, name: path, path, fullPath, visibility });
}

/** A project, with its groups. */
export async function createProject(
  records: Records,
  fullPath: string,
  visibility: Visibility = 'private',
): Promise<Project> {
  const end = fullPath.lastIndexOf('/');
  const group = await createGroup(records, fullPath.slice(0, end));
  const path = fullPath.slice(end + 1);
  return records.projects.create({ groupId: group.id, name: path, path, fullPath, visibility });
}

/** A repository of a project, which is made with it where absent. */
export async function createRepository(
  records: Records,
  name: string,
  visibility: Visibility = 'private',
): Promise<RepositoryRecord> {
  const project =
    (await records.projects.findOwner(name)) ?? (await createProject(records, name, visibility));
  return records.repositories.ensure(project.id, name);
}

export async function createUser(records: Records, username: string): Promise<number> {
  return (await records.users.create({ username, name: username, isAdmin: false })).id;
}

export function digestOfText(text: string): Digest {
  return digestOf(Buffer.from(text));
}

export function blobOf(text: string, size = text.length): BlobRecord {
  const digest = digestOfText(text);
  return { digest, size, storageKey: `key of ${text}`, createdAt: 42 };
}

export async function linkBlob(records: Records, repositoryId: number, text: string, size?: number) {
  const blob = blobOf(text, size);
  return records.repositoryBlobs.link(repositoryId, blob.digest, blob);
}

export function manifestOf(text: string, more: Partial<NewHostedManifest> = {}): NewHostedManifest {
  const payload = Buffer.from(text);
  return {
    digest: digestOf(payload),
    mediaType: ociManifest,
    payload,
    references: [],
    subject: undefined,
    artifactType: undefined,
    annotations: undefined,
    ...more,
  };
}
