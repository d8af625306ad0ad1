/** Rules that copy tags to another registry or from one, and what came of it; ours. */
import { z } from 'zod';
import { maxPatternLength } from '../../rules/tag-pattern.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import {
  filled,
  integer,
  integerBetween,
  maxNameLength,
  projectId,
  someOf,
  text,
  truth,
} from '../endpoint/parameters.ts';
import { networkFields } from '../registries/upstream-fields.ts';
import { maxUrlLength } from '../registries/upstream-url.ts';
import {
  direction,
  ruleBody,
  ruleResponse,
  runResponse,
  status,
  tagBody,
  tagResponse,
  trigger,
} from './replication-body.ts';
import type { ReplicationService } from './replication-rules.ts';

const rules = '/projects/:id/registry/replication/rules';
const one = `${rules}/:rule_id`;
const rulePath = projectId.extend({ rule_id: integer });
const maxSecretLength = 510;
const hoursPerYear = 8784;

const settings = {
  every_hours: integerBetween(1, hoursPerYear).nullable().meta({ description: 'Of a schedule' }).optional(),
  enabled: truth.optional(),
  repository_regex: text(maxPatternLength)
    .nullable()
    .meta({
      description:
        'RE2 that the whole name matches: of a push below the path of the project; of a pull at the other registry, which is asked for its list unless this is a name itself',
    })
    .optional(),
  tag_regex: filled(maxPatternLength)
    .meta({ description: 'RE2 that the whole tag matches; `.*` by default' })
    .optional(),
  target: filled(maxNameLength)
    .meta({
      description:
        'Name where it goes, of a pull below the path of the project, with `{project}`, `{repository}` and `{name}`, the last segment',
    })
    .optional(),
  deletions: truth
    .meta({ description: 'Whether tags that are gone are deleted; false by default' })
    .optional(),
  override: truth
    .meta({ description: 'Whether tags are moved that are other images there; true by default' })
    .optional(),
  referrers: truth
    .meta({ description: 'Whether signatures and the like come along; true by default' })
    .optional(),
  allow_private_network: truth.optional(),
  ...networkFields,
};
const newRule = z.object({
  name: filled(maxNameLength),
  direction: direction.meta({ description: 'push: to the other registry' }),
  trigger,
  url: filled(maxUrlLength),
  username: text(maxSecretLength).nullish(),
  password: text(maxSecretLength).nullish(),
  ...settings,
});
const ruleChanges = someOf(
  z.object({
    name: filled(maxNameLength).optional(),
    trigger: trigger.optional(),
    url: filled(maxUrlLength).optional(),
    username: filled(maxSecretLength).optional(),
    password: filled(maxSecretLength).optional(),
    ...settings,
  }),
);

export function replicationEndpoints(replication: ReplicationService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: rules,
      summary: 'Rules that copy tags to another registry, or from one, oldest first; for Maintainers',
      pathParams: projectId,
      status: 200,
      response: z.array(ruleResponse),
      handle: async (actor, { id }) => (await replication.list(actor, id)).map(ruleBody),
    }),
    endpoint({
      method: 'POST',
      path: rules,
      summary: 'Copy tags to another registry, or from one, from now on',
      pathParams: projectId,
      params: newRule,
      status: 201,
      response: ruleResponse,
      handle: async (actor, { id, ...given }) =>
        ruleBody(await replication.create(actor, id, inputOf(given))),
    }),
    endpoint({
      method: 'GET',
      path: one,
      summary: 'A replication rule',
      pathParams: rulePath,
      status: 200,
      response: ruleResponse,
      handle: async (actor, { id, ruleId }) => ruleBody(await replication.get(actor, id, ruleId)),
    }),
    endpoint({
      method: 'PUT',
      path: one,
      summary: 'Change a replication rule, which acts by the rights of whoever changes it from then on',
      pathParams: rulePath,
      params: ruleChanges,
      status: 200,
      response: ruleResponse,
      handle: async (actor, { id, ruleId, ...given }) =>
        ruleBody(await replication.update(actor, id, ruleId, inputOf(given))),
    }),
    endpoint({
      method: 'DELETE',
      path: one,
      summary: 'Delete a replication rule with its results; what was copied stays',
      pathParams: rulePath,
      status: 204,
      handle: (actor, { id, ruleId }) => replication.remove(actor, id, ruleId),
    }),
    endpoint({
      method: 'POST',
      path: `${one}/run`,
      summary: 'Look at all tags that a replication rule is for, in the background',
      pathParams: rulePath,
      status: 202,
      response: runResponse,
      handle: (actor, { id, ruleId }) => replication.run(actor, id, ruleId),
    }),
    endpoint({
      method: 'GET',
      path: `${one}/runs`,
      summary: 'What came of a replication rule, newest first: its last 20 runs',
      pathParams: rulePath,
      params: pageParams,
      status: 200,
      response: z.array(runResponse),
      handle: async (actor, { id, ruleId, ...page }) =>
        pageBody(await replication.listRuns(actor, id, ruleId, page), page),
    }),
    endpoint({
      method: 'GET',
      path: `${one}/runs/:run_id/tags`,
      summary: 'What became of each tag in a run of a replication rule',
      pathParams: rulePath.extend({ run_id: integer }),
      params: pageParams.extend({ status: status.optional() }),
      status: 200,
      response: z.array(tagResponse),
      handle: async (actor, { id: project, ruleId: id, runId, status: asked, ...page }) =>
        pageBody(
          await replication.listTags(actor, project, { id, runId, status: asked }, page),
          page,
          tagBody,
        ),
    }),
  ];
}

function inputOf<
  T extends {
    deletions?: boolean | undefined;
    override?: boolean | undefined;
    referrers?: boolean | undefined;
  },
>({ deletions: deletesTags, override: replacesTags, referrers: withReferrers, ...given }: T) {
  return { ...given, deletesTags, replacesTags, withReferrers };
}
