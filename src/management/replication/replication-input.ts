/** What someone says about a replication rule, put together with what is known of it. */
import type {
  NewReplicationRule,
  ReplicationRule,
  ReplicationRuleChanges,
} from '../../metadata/replication/replication-rules.ts';
import { isRepositoryName } from '../../oci/reference.ts';
import { isTargetTemplate } from '../../rules/replication.ts';
import { TagPattern, TagPatternError } from '../../rules/tag-pattern.ts';
import { localPathOf } from '../../upstreams/local-upstream.ts';
import type { Actor } from '../acting/actor.ts';
import { type Faults, RefusedError } from '../acting/refused-error.ts';
import { changeCredentials, parseCredentials } from '../registries/upstream-credentials.ts';
import { mayUsePrivateNetwork, type UpstreamAccess } from '../registries/upstream-input.ts';
import { type NetworkInput, networkChanges, splitNetwork } from '../registries/upstream-network.ts';
import type { UpstreamSecrets } from '../registries/upstream-settings.ts';
import {
  demandAllowedAddress,
  type FindBlockedAddress,
  parseUpstreamUrl,
} from '../registries/upstream-url.ts';

type Settings = Pick<
  ReplicationRule,
  'name' | 'trigger' | 'enabled' | 'tagRegex' | 'target' | 'deletesTags' | 'replacesTags' | 'withReferrers'
>;
type Access = Pick<UpstreamAccess, 'username' | 'password' | 'allowPrivateNetwork'> & NetworkInput;

/** What is undefined stays as it is; null clears. */
export interface ReplicationChanges
  extends Access,
    Partial<{ [Key in keyof Settings]: Settings[Key] | undefined }> {
  readonly url?: string | undefined;
  readonly everyHours?: number | null | undefined;
  readonly repositoryRegex?: string | null | undefined;
}

export interface NewReplicationInput extends ReplicationChanges {
  readonly name: string;
  readonly url: string;
  readonly direction: ReplicationRule['direction'];
  readonly trigger: ReplicationRule['trigger'];
}

export interface ReplicationRuleParts {
  readonly secrets: UpstreamSecrets;
  readonly findBlockedAddress: FindBlockedAddress;
}

/** What the repositories of each direction are called where they go, where nothing else is said. */
const defaultTargets = { push: '{project}/{repository}', pull: '{repository}' } as const;

/** @throws RefusedError forbidden, invalid, parameters */
export function newRule(
  actor: Actor,
  input: NewReplicationInput,
  { secrets, findBlockedAddress }: ReplicationRuleParts,
): Omit<NewReplicationRule, 'creatorId'> {
  const { network, rest } = splitNetwork(input);
  const { username: _username, password: _password, ...said } = rest;
  const credentials = parseCredentials(input);
  const url = parseRegistryUrl(input.url);
  const { username, passwordSealed } = secrets.seal(url, credentials);
  const allowPrivateNetwork = mayUsePrivateNetwork(actor, input.allowPrivateNetwork, undefined, true);
  demandAllowedAddress({ url }, allowPrivateNetwork, findBlockedAddress);
  const rule = {
    ...said,
    repositoryRegex: said.repositoryRegex ?? undefined,
    everyHours: said.everyHours ?? undefined,
    enabled: said.enabled ?? true,
    tagRegex: said.tagRegex ?? '.*',
    target: said.target ?? defaultTargets[said.direction],
    deletesTags: said.deletesTags ?? false,
    replacesTags: said.replacesTags ?? true,
    withReferrers: said.withReferrers ?? true,
    url,
    username,
    passwordSealed,
    allowPrivateNetwork,
  };
  demandSound(rule);
  return { ...rule, ...networkChanges(actor, secrets, network, undefined, url) };
}

/** At another URL, what is secret is gone unless it is given anew. @throws RefusedError forbidden, invalid */
export function changedRule(
  actor: Actor,
  known: ReplicationRule,
  input: ReplicationChanges,
  { secrets, findBlockedAddress }: ReplicationRuleParts,
): Omit<ReplicationRuleChanges, 'creatorId'> {
  const { network, rest } = splitNetwork(input);
  const { username: _username, password: _password, ...said } = rest;
  const url = said.url === undefined ? known.url : parseRegistryUrl(said.url);
  const isUrlChanged = url !== known.url;
  const allowPrivateNetwork = mayUsePrivateNetwork(actor, said.allowPrivateNetwork, known, isUrlChanged);
  demandAllowedAddress({ url }, allowPrivateNetwork, findBlockedAddress);
  const credentials = changeCredentials(input, () => secrets.open(known), isUrlChanged);
  const { username, passwordSealed } = secrets.seal(url, credentials);
  const { everyHours = known.everyHours, repositoryRegex = known.repositoryRegex } = said;
  const given = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  const schedule = { everyHours: everyHours ?? undefined, repositoryRegex: repositoryRegex ?? undefined };
  demandSound({ ...known, ...given, ...schedule });
  return {
    ...said,
    url,
    allowPrivateNetwork,
    username,
    passwordSealed,
    ...(said.everyHours !== undefined && { nextRunAt: said.everyHours === null ? null : 0 }),
    ...networkChanges(actor, secrets, network, known, isUrlChanged ? url : undefined),
  };
}

/** Secrets are left out. */
export function describeRule(rule: ReplicationRule): Readonly<Record<string, unknown>> {
  const {
    passwordSealed: _password,
    networkSealed: _network,
    caCertificate: _ca,
    clientCertificate: _own,
    ...told
  } = rule;
  return told;
}

/** @throws RefusedError invalid */
function parseRegistryUrl(text: string): string {
  const url = parseUpstreamUrl(text);
  if (localPathOf(url) === undefined) return url;
  throw new RefusedError('invalid', { url: ['must be another registry: copy tags within this one'] });
}

type Sound = Pick<
  ReplicationRule,
  'direction' | 'trigger' | 'everyHours' | 'repositoryRegex' | 'tagRegex' | 'target'
>;

/** @throws RefusedError invalid */
function demandSound(rule: Sound): void {
  const faults: Record<string, readonly string[]> = {};
  if (rule.direction === 'pull' && rule.trigger === 'event')
    faults['trigger'] = ['must be schedule or manual: other registries do not tell us of their events'];
  if (rule.trigger === 'schedule' && rule.everyHours === undefined)
    faults['every_hours'] = ["can't be blank"];
  if (rule.trigger !== 'schedule' && rule.everyHours !== undefined)
    faults['every_hours'] = ['must be blank unless the trigger is schedule'];
  if (rule.direction === 'pull' && rule.repositoryRegex === undefined)
    faults['repository_regex'] = ["can't be blank: name the repositories of the other registry"];
  if (!isTargetTemplate(rule.target, isRepositoryName))
    faults['target'] = ['must be a path of lower-case names with {project}, {repository} or {name} in it'];
  const patterns = { tag_regex: rule.tagRegex, repository_regex: rule.repositoryRegex };
  for (const [name, text] of Object.entries(patterns)) {
    const fault = text === undefined ? undefined : findPatternFault(text);
    if (fault !== undefined) faults[name] = [fault];
  }
  if (Object.keys(faults).length > 0) throw new RefusedError('invalid', faults satisfies Faults);
}

function findPatternFault(text: string): string | undefined {
  try {
    TagPattern.parse(text);
    return undefined;
  } catch (error) {
    if (error instanceof TagPatternError) return `not valid RE2 syntax: ${error.message}`;
    throw error;
  }
}
