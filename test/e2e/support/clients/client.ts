/** A program that pulls and pushes, as the suites use it: whichever it is, it can do this. */

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Folders of images such as `bb:1` and `multi:1`. */
export interface Sources {
  /** At another registry, so that all bytes have to be uploaded. */
  readonly elsewhere: string;
  /** At the registry that is pushed to. */
  readonly here: string;
}

export interface Pushed {
  readonly tag: string;
  /** What the client says that it pushed. */
  readonly digest: string;
}

/** A client with a store of its own. */
export interface Client {
  /** Runs its program with its store and credentials; what it wrote to its output. */
  run(...args: readonly string[]): Promise<string>;
  /** Pulls a reference such as 127.0.0.1:5000/virtual_registries/container/1/x:1; the digests it then knows it by. */
  pull(reference: string): Promise<readonly string[]>;
  /** Pushes all that it builds, copies or converts, to one repository such as 127.0.0.1:5000/team/project/x. */
  push(repository: string, sources: Sources): Promise<readonly Pushed[]>;
  /** Pulls an image and pushes it under another name, as it is. */
  copy(from: string, to: string): Promise<void>;
  /** Further things the client does with what it pulls: name and deed. */
  readonly deeds?: Readonly<Record<string, (reference: string) => Promise<void>>>;
  close(): Promise<void>;
}

export interface ClientKind {
  readonly title: string;
  /** Its segment in the names of repositories. */
  readonly name: string;
  /** What must be installed. */
  readonly programs: readonly string[];
  /** The names of {@link Client.deeds}. */
  readonly deeds?: readonly string[];
  /** How the client names an image of a virtual registry; undefined where it cannot. */
  readonly referenceOf?: (registry: string, image: string) => string;
  open(directory: string, host: string, credentials: Credentials): Promise<Client>;
}

/**
 * Docker's and podman's RepoDigests that are of the repository of this reference.
 * @param lines repository@digest
 */
export function digestsOf(reference: string, lines: string): string[] {
  const repository = reference.replace(/@.*$|:[^:/]*$/, '');
  return lines
    .trim()
    .split('\n')
    .filter((line) => line.startsWith(`${repository}@`))
    .map(digestIn);
}

/** The digest in what a program wrote. @throws Error where there is none */
export function digestIn(text: string): string {
  const digest = /sha256:[0-9a-f]{64}/.exec(text)?.[0];
  if (digest === undefined) throw new Error(`no digest in: ${text}`);
  return digest;
}
