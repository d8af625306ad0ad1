/** https://docs.gitlab.com/api/container_registry/#delete-registry-repository-tags-in-bulk */
import { z } from 'zod';
import { parseDurationMs } from '../../rules/duration.ts';
import { invalidPattern, isTagPattern, maxPatternLength } from '../../rules/tag-pattern.ts';
import { formatInstant, instantText } from '../endpoint/dates.ts';
import { type Endpoint, wireEndpoint as endpoint } from '../endpoint/endpoint.ts';
import { filled, integerBetween, outdated, someOf, text, truth } from '../endpoint/parameters.ts';
import { type BodyOf, OtherAnswer } from '../endpoint/response.ts';
import { repositoryId } from './repository-endpoints.ts';
import type { DecidedTag, TagDeletionService } from './tag-deletions.ts';

const maxDurationLength = 64;
const maxKeepN = 2 ** 31;
/** Of one kind, in an answer: how many there are is said of all. */
const maxShown = 10_000;

const pattern = filled(maxPatternLength).refine(isTagPattern, invalidPattern);

/** `dry_run` is ours. */
const criteria = someOf(
  z.object({
    name_regex_delete: pattern.optional(),
    name_regex: outdated(pattern.optional(), 'name_regex_delete'),
    name_regex_keep: pattern.optional(),
    keep_n: integerBetween(0, maxKeepN).optional(),
    older_than: text(maxDurationLength)
      .transform((said, ctx) => {
        const ms = parseDurationMs(said);
        if (ms !== undefined) return ms;
        ctx.addIssue({ code: 'custom', message: 'is invalid' });
        return z.NEVER;
      })
      .optional(),
    dry_run: truth.default(false),
  }),
  ['name_regex', 'name_regex_delete'],
);

const decidedResponse = z.object({
  name: z.string(),
  last_published_at: instantText,
  /** which decided that it goes, or that it stays */
  rule: z.enum([
    'name_regex_delete',
    'latest',
    'not_matched',
    'name_regex_keep',
    'keep_n',
    'older_than',
    'protected',
    'immutable',
  ]),
});
const dryRunResponse = z
  .object({
    delete_count: z.int(),
    keep_count: z.int(),
    /** the first ten thousand of each */
    delete: z.array(decidedResponse),
    keep: z.array(decidedResponse),
  })
  .meta({ id: 'TagDeletionPreview' });

export function tagDeletionEndpoints(deletions: TagDeletionService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'DELETE',
      path: '/projects/:id/registry/repositories/:repository_id/tags',
      summary: 'Delete tags by their names and age, in the background; or say which those would be',
      pathParams: repositoryId,
      params: criteria,
      response: z.literal(202),
      other: { status: 200, response: dryRunResponse },
      status: 202,
      takesJobTokens: true,
      refusesBlanks: true,
      errors: [409],
      handle: async (actor, { id, repository_id, dry_run, ...given }) => {
        const reference = { project: id, id: repository_id };
        const asked = {
          nameRegexDelete: given.name_regex_delete ?? given.name_regex ?? '',
          nameRegexKeep: given.name_regex_keep,
          keepN: given.keep_n,
          olderThanMs: given.older_than,
        };
        if (dry_run)
          return new OtherAnswer(200, dryRunBody(await deletions.preview(actor, reference, asked)));
        await deletions.request(actor, reference, asked);
        return 202 as const;
      },
    }),
  ];
}

function dryRunBody(decisions: readonly DecidedTag[]): BodyOf<typeof dryRunResponse> {
  const going = decisions.filter(({ keptBy }) => keptBy === undefined);
  const kept = decisions.filter(({ keptBy }) => keptBy !== undefined);
  return {
    delete_count: going.length,
    keep_count: kept.length,
    delete: going.slice(0, maxShown).map(decidedBody),
    keep: kept.slice(0, maxShown).map(decidedBody),
  };
}

function decidedBody({ tag, keptBy }: DecidedTag): BodyOf<typeof decidedResponse> {
  return {
    name: tag.name,
    last_published_at: formatInstant(tag.updatedAt),
    rule: keptBy ?? 'name_regex_delete',
  };
}
