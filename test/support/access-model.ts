/** What is true of a few identities and repositories at a moment: memberships, visibilities, and which bytes are linked where. */
import { mayPullVirtual, mayUse, type Operation, type Standing, type TableProject } from './access-table.ts';
import { roles } from './credentials.ts';
import type { FakeManifest } from './fake-content.ts';

export const whos = ['ann', 'bob', 'deploy', 'job', 'bot', 'nobody'] as const;
export type Who = (typeof whos)[number];
export const users = ['ann', 'bob'] as const;
export type UserName = (typeof users)[number];
export const projectNames = ['acme/one', 'acme/two', 'other/three'] as const;
export const repositoryNames = ['acme/one', 'acme/one/sub', 'acme/two', 'other/three'] as const;
export const memberPlaces = ['acme', 'other', ...projectNames] as const;
export type MemberPlace = (typeof memberPlaces)[number];

type Changeable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
export type ModelProject = Changeable<TableProject>;

/** What a repository has. */
export class Content {
  readonly blobs = new Set<string>();
  readonly manifests = new Map<string, FakeManifest>();
  readonly tags = new Map<string, string>();
}

const deployScopes = ['read_registry', 'write_registry', 'read_virtual_registry'] as const;

export class AccessModel {
  readonly projects: ModelProject[] = [];
  readonly contents = new Map<string, Content>(repositoryNames.map((name) => [name, new Content()]));
  /** Levels of users, by user and place. */
  readonly levels = new Map<string, number>();
  readonly blocked = new Set<UserName>();
  readonly revoked = new Set<Who>();
  /** Every blob that was ever pushed, with its bytes. */
  readonly secrets = new Map<string, string>();
  readonly manifestDigests = new Set<string>();
  anonymousPull = false;

  project(repository: string): ModelProject {
    const project = this.projects.find(
      ({ path }) => repository === path || repository.startsWith(`${path}/`),
    );
    if (!project) throw new Error(`no project for ${repository}`);
    return project;
  }

  content(repository: string): Content {
    const content = this.contents.get(repository);
    if (!content) throw new Error(`no repository ${repository}`);
    return content;
  }

  may(who: Who, operation: Operation, repository: string): boolean {
    return this.#isBelieved(who) && mayUse(this.#standing(who), this.project(repository), operation);
  }

  /** Through the virtual registry of the group acme that has hosted groups as upstreams: acme itself, and the group other. */
  mayLocal(who: Who, repository: string): boolean {
    const { path, visibility, setting } = this.project(repository);
    const isSeen = path.startsWith('acme/')
      ? setting !== 'disabled'
      : visibility === 'public' && setting === 'enabled';
    return isSeen && this.mayVirtual(who);
  }

  /** The project is deleted with what is in it, tokens and roles included, and another one made in its place. */
  recreate(path: string, id: number): void {
    for (const name of repositoryNames) {
      if (this.project(name).path === path) this.contents.set(name, new Content());
    }
    Object.assign(this.project(path), { id, visibility: 'private', setting: 'enabled' });
    for (const user of users) this.levels.delete(`${user} ${path}`);
    if (path === 'acme/one') this.revoked.add('job');
    if (path === 'acme/two') this.revoked.add('bot');
  }

  mayVirtual(who: Who): boolean {
    const projects = this.projects.filter(({ path }) => path.startsWith('acme/'));
    return this.#isBelieved(who) && mayPullVirtual(this.#standing(who), projects, this.anonymousPull);
  }

  /** One of all blobs that there were; every other time one that the repository has, if it has any. */
  secretAt(pick: number, repository: string): string {
    return choose(pick, this.content(repository).blobs, this.secrets.keys());
  }

  /** As {@link secretAt}. */
  manifestAt(pick: number, repository: string): string {
    return choose(pick, this.content(repository).manifests.keys(), this.manifestDigests);
  }

  /** Notes that an image is in a repository. */
  keep(repository: string, image: FakeManifest, tag: string): void {
    const content = this.content(repository);
    for (const blob of [...image.layers, ...(image.config ? [image.config] : [])]) {
      content.blobs.add(blob.digest);
      this.secrets.set(blob.digest, Buffer.concat([...blob.read(0, blob.size)]).toString());
    }
    content.manifests.set(image.digest, image);
    content.tags.set(tag, image.digest);
    this.manifestDigests.add(image.digest);
  }

  /** All that their rights follow from. */
  describe(who: Who): string {
    const projects = this.projects.map(({ path, visibility, setting }) => `${path} ${visibility} ${setting}`);
    const levels = [...this.levels].map(([key, level]) => `${key} ${level}`);
    const gone = [...this.blocked, ...this.revoked];
    return `${who}; ${[...projects, ...levels, ...gone.map((each) => `${each} gone`)].join(', ')}; anonymous_pull ${this.anonymousPull}`;
  }

  /** Bad credentials are refused even where none are needed. */
  #isBelieved(who: Who): boolean {
    if (this.revoked.has(who)) return false;
    return !this.blocked.has(who === 'bob' ? 'bob' : 'ann') || !['ann', 'bob', 'job'].includes(who);
  }

  #standing(who: Who): Standing {
    const isOfAcme = ({ path }: TableProject) => path.startsWith('acme/');
    const isOfOne = ({ path }: TableProject) => path === 'acme/one';
    const rolesOf = (user: UserName) => (project: TableProject) => this.#levelIn(user, project);
    switch (who) {
      case 'nobody':
        return { kind: 'anonymous' };
      case 'ann':
      case 'bob':
        return { kind: 'user', isAdmin: false, roleIn: rolesOf(who), scopes: ['api'] };
      case 'deploy':
        return { kind: 'group deploy token', isOf: isOfAcme, scopes: deployScopes, isOfTopGroup: true };
      case 'bot': {
        const roleIn = ({ path }: TableProject) => (path === 'acme/two' ? roles.Developer : 0);
        return { kind: 'project bot', isAdmin: false, roleIn, scopes: ['api'] };
      }
      case 'job': {
        const common = { isOf: isOfOne, roleIn: rolesOf('ann'), isInTopGroup: true };
        return { kind: 'job', level: roles.Developer, ...common };
      }
    }
  }

  #levelIn(user: UserName, { path }: TableProject): number {
    const group = path.slice(0, path.indexOf('/'));
    return Math.max(this.levels.get(`${user} ${group}`) ?? 0, this.levels.get(`${user} ${path}`) ?? 0);
  }
}

function choose(pick: number, near: Iterable<string>, all: Iterable<string>): string {
  const nearby = [...near];
  const from = pick % 2 === 0 && nearby.length > 0 ? nearby : [...all];
  return from[Math.floor(pick / 2) % from.length] ?? '';
}
