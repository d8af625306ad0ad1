/** Images of a registry that trusts our tokens: what projects have there, and the end of a tag, by the rights that people have here. */
import type { Action } from '../../auth/rights/access.ts';
import type { ScopeGrant } from '../../auth/rights/identity.ts';
import { catalogScope, repositoryScope } from '../../auth/rights/scope.ts';
import type { RegistryTokens } from '../../auth/tokens/registry-tokens.ts';
import { demandTagDeletable } from '../../hosted/changes/protection.ts';
import type { ChangeRules } from '../../hosted/hosted-options.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Page, Paged } from '../../metadata/db/page.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import { isRepositoryName, isTag, type RepositoryName, type Tag } from '../../oci/reference.ts';
import type { ExternalImage, ExternalRegistry } from '../../upstreams/external-registry.ts';
import { type Actor, viewerOf } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { pushRefusalOf } from '../acting/changes.ts';
import { changerOf, protectionLevelIn } from '../acting/find-repository.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { Rights } from '../acting/rights.ts';

export interface ExternalImageServiceOptions {
  readonly database: Database;
  readonly rules: Pick<ChangeRules, 'tagPatterns'>;
  readonly tokens: Pick<RegistryTokens, 'issue'>;
  /** Undefined: there is none. */
  readonly registry: ConfiguredRegistry | undefined;
}

export interface ConfiguredRegistry {
  readonly client: Pick<ExternalRegistry, 'listRepositories' | 'listTags' | 'getImage' | 'deleteTag'>;
  /** What it is called in tokens. */
  readonly service: string;
  /** What its images are called by. */
  readonly host: string;
}

/** A repository as a path of the API names it. */
export interface ExternalReference {
  /** The project's number or its full path. */
  readonly project: string;
  /** Full name. */
  readonly repository: string;
}

/** With the host that its images are pulled from. */
type Hosted<T> = T & { readonly host: string };

export class ExternalImageService {
  readonly #options: ExternalImageServiceOptions;
  readonly #rights = new Rights();

  constructor(options: ExternalImageServiceOptions) {
    this.#options = options;
  }

  /** Those of the project, by name. @throws RefusedError not-found, forbidden; UnavailableError */
  async list(actor: Actor, reference: string, page: Page): Promise<Hosted<Paged<RepositoryName>>> {
    const { client, host } = this.#registry();
    const project = await this.#rights.getProjectFor(this.#options.database, actor, reference, 'pull');
    const token = await this.#tokenFor(actor, [catalogScope]);
    const names = await client.listRepositories(token);
    return { ...partOf(names.filter((name) => isOf(project, name)).toSorted(), page), host };
  }

  /** By name. @param search part of the name. @throws RefusedError not-found, forbidden; UnavailableError */
  async listTags(
    actor: Actor,
    reference: ExternalReference,
    search: string | undefined,
    page: Page,
  ): Promise<Hosted<Paged<Tag>>> {
    const { client, host, name, token } = await this.#find(actor, reference, 'pull');
    const tags = await client.listTags(name, token);
    if (!tags) throw new RefusedError('not-found');
    return {
      ...partOf(
        tags.filter((tag) => tag.includes(search ?? '')),
        page,
      ),
      host,
    };
  }

  /** @throws RefusedError not-found, forbidden; UnavailableError */
  async getTag(actor: Actor, reference: ExternalReference, tag: string): Promise<Hosted<ExternalImage>> {
    const { client, host, name, token } = await this.#find(actor, reference, 'pull');
    if (!isTag(tag)) throw new RefusedError('not-found', 'Tag');
    const image = await client.getImage(name, tag, token);
    if (!image) throw new RefusedError('not-found', 'Tag');
    return { ...image, host };
  }

  /** What rules protect stays. @throws RefusedError not-found, forbidden, conflict; UnavailableError */
  async removeTag(actor: Actor, reference: ExternalReference, tag: string): Promise<void> {
    const { client, project, name, token } = await this.#find(actor, reference, 'delete');
    if (!isTag(tag)) throw new RefusedError('not-found', 'Tag');
    const { database, rules } = this.#options;
    const writer = changerOf(actor, await protectionLevelIn(database, project, actor));
    const target = { projectId: project.id, projectPath: project.fullPath, name, writer };
    await demandTagDeletable(database, rules.tagPatterns, target, tag).catch((error: unknown) => {
      throw pushRefusalOf(error);
    });
    const deletion = await client.deleteTag(name, tag, token);
    if (!deletion) throw new RefusedError('not-found', 'Tag');
    if (deletion.sharedWith !== undefined)
      throw new RefusedError(
        'conflict',
        `409 Conflict - the registry deletes no tags, only manifests, and ${deletion.sharedWith} names the same: delete both there by its digest`,
      );
    await recordChange(database, actor, {
      action: 'external_tag.delete',
      targetId: `${name}:${tag}`,
      details: { projectId: project.id },
      projectPath: project.fullPath,
    });
  }

  /** A repository of the project, whether it is there or not. */
  async #find(actor: Actor, { project: reference, repository }: ExternalReference, action: Action) {
    const { client, host } = this.#registry();
    const project = await this.#rights.getProjectFor(this.#options.database, actor, reference, action);
    if (!isRepositoryName(repository) || !isOf(project, repository)) throw new RefusedError('not-found');
    const actions = action === 'pull' ? ['pull'] : ['pull', action];
    const token = await this.#tokenFor(actor, [repositoryScope(repository, actions)]);
    return { client, host, project, name: repository, token };
  }

  #registry(): ConfiguredRegistry {
    const { registry } = this.#options;
    if (!registry) throw new RefusedError('not-found', 'External Registry');
    return registry;
  }

  /** Made for what is asked now, whatever else they may there. */
  async #tokenFor(actor: Actor, access: readonly ScopeGrant[]): Promise<string> {
    const { service } = this.#registry();
    const holder = viewerOf(actor);
    return (await this.#options.tokens.issue({ service, holder, access, refused: [], omitted: 0 })).token;
  }
}

function isOf({ fullPath }: Pick<Project, 'fullPath'>, name: RepositoryName): boolean {
  return `${name}/`.startsWith(`${fullPath}/`);
}

function partOf<T>(all: readonly T[], { page, perPage }: Page): Paged<T> {
  const end = page * perPage;
  return { records: all.slice(end - perPage, end), total: all.length, hasMore: all.length > end };
}
