/** Repositories by the lists of projects that Harbor and GitLab give to whoever may not see the catalog of their registry. */
import { z } from 'zod';
import { type Limit, withDeadline } from '../outbound/deadline.ts';
import type { Transport } from '../outbound/transport.ts';
import { parseChallenges } from './challenge.ts';
import { isCloud } from './clouds/upstream-login.ts';
import { readPages } from './list-pages.ts';
import { parseRealm } from './realm.ts';
import { toStatusError } from './status-error.ts';
import { basicAuthorization } from './token-exchange.ts';
import type { UpstreamSettings } from './upstream.ts';

export interface ProjectListOptions {
  readonly settings: UpstreamSettings;
  readonly transport: Transport;
  /** Pairs as "registry host=token host": GitLab is where its tokens are from. */
  readonly tokenHosts: readonly string[];
  /** For a whole answer. */
  readonly answerMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

type Headers = Readonly<Record<string, string>>;

const perPage = 100;
/** Of all pages of one list together. */
const maxBytes = 32 * 1024 * 1024;
/** A project whose registry is off, or not for us, has none. */
const withoutRegistry = [403, 404];
const harborNames = z.array(z.object({ name: z.string() }));
const gitlabProjects = z.array(z.object({ id: z.number() }));
const gitlabRepositories = z.array(z.object({ path: z.string() }));

/** Undefined where it is neither, or there are no credentials. @throws OutboundError */
export async function listByProjects(options: ProjectListOptions): Promise<readonly string[] | undefined> {
  const { credentials } = options.settings;
  if (!credentials || isCloud(credentials)) return undefined;
  const gitlab = await findGitlab(options);
  return gitlab
    ? listGitlab(options, gitlab, { 'private-token': credentials.password })
    : listHarbor(options, { authorization: basicAuthorization(credentials), 'x-is-resource-name': 'true' });
}

/** https://goharbor.io/docs/latest/build-customize-contribute/configure-swagger/ */
async function listHarbor(
  options: ProjectListOptions,
  headers: Headers,
): Promise<readonly string[] | undefined> {
  const api = new URL('/api/v2.0/', options.settings.url);
  const projects = await list(options, harborNames, new URL(`projects?page_size=${perPage}`, api), headers);
  if (!projects) return undefined;
  const names: string[] = [];
  for (const { name } of projects) {
    const path = `projects/${encodeURIComponent(name)}/repositories?page_size=${perPage}`;
    const found = await list(options, harborNames, new URL(path, api), headers);
    names.push(...(found ?? []).map((repository) => repository.name));
  }
  return names;
}

/** Of the projects that whoever asks is a member of. https://docs.gitlab.com/api/container_registry/ */
async function listGitlab(
  options: ProjectListOptions,
  api: URL,
  headers: Headers,
): Promise<readonly string[] | undefined> {
  const all = new URL(`projects?membership=true&simple=true&per_page=${perPage}`, api);
  const paths: string[] = [];
  for (const { id } of (await list(options, gitlabProjects, all, headers)) ?? []) {
    const url = new URL(`projects/${id}/registry/repositories?per_page=${perPage}`, api);
    const found = await list(options, gitlabRepositories, url, headers);
    paths.push(...(found ?? []).map(({ path }) => path));
  }
  return paths;
}

/** Its API, by where it says that tokens are from. @throws OutboundError */
async function findGitlab({
  settings,
  transport,
  tokenHosts,
  answerMs,
}: ProjectListOptions): Promise<URL | undefined> {
  const registry = new URL(`${settings.url}/v2/`);
  const request = { method: 'GET', url: registry, headers: {}, redirects: 'refuse' } as const;
  const answer = await withDeadline(limitOf(answerMs), undefined, (signal) =>
    transport.request(request, signal),
  );
  answer.discard();
  const bearer = parseChallenges(answer.header('www-authenticate')).find(({ scheme }) => scheme === 'bearer');
  const realm = bearer?.parameters.get('realm');
  if (!realm?.endsWith(gitlabTokens)) return undefined;
  const url = parseRealm(realm, registry, {
    tokenHost: settings.tokenHost,
    tokenHosts,
    isConfidential: true,
  });
  return new URL(`${url.href.slice(0, -gitlabTokens.length)}/api/v4/`);
}

const gitlabTokens = '/jwt/auth';

/** Undefined where there is no such list, or it is not for us. @throws OutboundError */
async function list<T>(
  { transport, answerMs, now }: ProjectListOptions,
  schema: z.ZodType<readonly T[]>,
  first: URL,
  headers: Headers,
): Promise<readonly T[] | undefined> {
  const found: T[] = [];
  let isRefused = false;
  const pages = readPages(first, maxBytes, (url, parse) =>
    withDeadline(limitOf(answerMs), undefined, async (signal) => {
      const answer = await transport.request({ method: 'GET', url, headers, redirects: 'refuse' }, signal);
      if (answer.status === 200) return parse(answer);
      answer.discard();
      if (!withoutRegistry.includes(answer.status)) throw toStatusError(answer, 'sent', now());
      isRefused = true;
      return { json: [], next: undefined };
    }),
  );
  for await (const page of pages) {
    const listed = schema.safeParse(page);
    if (!listed.success) return undefined;
    found.push(...listed.data);
  }
  return isRefused ? undefined : found;
}

function limitOf(ms: number): Limit {
  return { ms, setting: 'upstreams.answer_seconds' };
}
