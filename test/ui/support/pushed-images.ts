/** Images as people push them: several platforms, commands that made their layers, labels, and what is attached to them. */
import type { TestApp } from '../../support/app.ts';
import { jsonOf } from '../../support/bodies.ts';
import {
  bytesBlob,
  type FakeManifest,
  fakeArtifact,
  fakeImage,
  seededBlob,
} from '../../support/fake-content.ts';
import type { Pusher } from '../../support/pushing.ts';

export interface ImageTexts {
  readonly version: string;
  /** What each layer was made by; layers of the same command are the same. */
  readonly commands: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly author?: string;
}

export function imageOf({ version, commands, labels, annotations, author }: ImageTexts): FakeManifest {
  const created = '2026-02-01T08:00:00Z';
  const config = {
    created,
    author,
    os: 'linux',
    architecture: 'amd64',
    config: { Labels: { 'org.opencontainers.image.version': version, ...labels } },
    history: [
      ...commands.map((created_by) => ({ created, created_by })),
      { created_by: 'ENV MODE=production', empty_layer: true },
    ],
  };
  const layers = commands.map((command) => seededBlob(2000 + command.length * 100, seedOf(command)));
  return fakeImage({
    config: bytesBlob(JSON.stringify(config)),
    layers,
    ...(annotations && { annotations }),
  });
}

function seedOf(text: string): number {
  return [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 65_536, 7);
}

/** Attaches something to an image, and gives it back. */
export async function attach(
  pusher: Pusher,
  image: FakeManifest,
  artifactType: string,
  annotations: Readonly<Record<string, string>> = {},
): Promise<FakeManifest> {
  const artifact = fakeArtifact(image, artifactType, annotations);
  await pusher.blob('{}');
  await pusher.manifest(artifact, artifact.digest);
  return artifact;
}

/** The number of a repository by its full name. */
export async function repositoryNumber(app: TestApp, project: string, name: string): Promise<number> {
  const path = `/projects/${encodeURIComponent(project)}/registry/repositories?search=${encodeURIComponent(name)}`;
  const [found] = await jsonOf<{ readonly id: number }[]>(await app.api('GET', path));
  if (!found) throw new Error(`there is no repository ${name}`);
  return found.id;
}
