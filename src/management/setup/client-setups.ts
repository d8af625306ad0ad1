/** How clients are set up to pull through a virtual registry: the file or the commands, for this server. */
import type { Records } from '../../metadata/db/records.ts';
import type { Actor } from '../acting/actor.ts';
import { Rights } from '../acting/rights.ts';
import { crio, docker, dockerd, podman, skopeo } from './engines.ts';
import { buildkit, containerd, k3s } from './machines.ts';
import { type ConfiguredMirror, type SetupPlace, setupPlace } from './setup-place.ts';
import { githubActions, gitlabCi, kubernetes, kyverno } from './workloads.ts';

const templates = {
  docker,
  dockerd,
  containerd,
  podman,
  crio,
  k3s,
  kubernetes,
  kyverno,
  'gitlab-ci': gitlabCi,
  'github-actions': githubActions,
  buildkit,
  skopeo,
} as const satisfies Record<string, (place: SetupPlace) => string>;

export type SetupClient = keyof typeof templates;

export function isSetupClient(text: string): text is SetupClient {
  return Object.hasOwn(templates, text);
}

export const setupClients = Object.keys(templates).filter(isSetupClient);

export interface SetupOptions {
  readonly mirrors: readonly ConfiguredMirror[];
  /** Whether this server ends TLS itself. */
  readonly hasTls: boolean;
}

export interface SetupQuestion {
  readonly registryId: number;
  readonly client: SetupClient;
  /** The scheme://host that clients know this server by. */
  readonly externalUrl: string;
}

/** Undefined where there is no such virtual registry. @throws RefusedError conflict where the client cannot be set up for it */
export async function findSetup(
  { virtualRegistries, upstreams }: Pick<Records, 'virtualRegistries' | 'upstreams'>,
  { registryId, client, externalUrl }: SetupQuestion,
  options: SetupOptions,
): Promise<string | undefined> {
  const registry = await virtualRegistries.find(registryId);
  if (!registry) return undefined;
  const place = { externalUrl, registry, upstreams: await upstreams.listByRegistry(registryId), ...options };
  return templates[client](setupPlace(place));
}

export class ClientSetupService {
  readonly #records: Records;
  readonly #options: SetupOptions;
  readonly #rights = new Rights();

  constructor({ database, ...options }: SetupOptions & { readonly database: Records }) {
    this.#records = database;
    this.#options = options;
  }

  /** @throws RefusedError not-found, forbidden, conflict where the client cannot be set up for it */
  async get(actor: Actor, question: SetupQuestion): Promise<string> {
    await this.#rights.getRegistry(this.#records, actor, question.registryId, 'read');
    return (await findSetup(this.#records, question, this.#options)) ?? '';
  }
}
