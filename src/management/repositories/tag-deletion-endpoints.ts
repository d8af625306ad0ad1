/** https://docs.gitlab.com/api/container_registry/#delete-registry-repository-tags-in-bulk */
import { z } from 'zod';
import { parseDurationMs } from '../../rules/duration.ts';
import { invalidPattern, isTagPattern, maxPatternLength } from '../../rules/tag-pattern.ts';
import { keepRules } from '../../rules/tag-selection.ts';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { filled, integerBetween, list, outdated, someOf, text, truth } from '../endpoint/parameters.ts';
import { OtherAnswer } from '../endpoint/response.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import { repositoryPath } from './repository-endpoints.ts';
import type { DecidedTag, TagDeletionService } from './tag-deletions.ts';

const maxDurationLength = 64;
const maxKeepN = 2 ** 31;
/** How many tags of one kind an answer lists; how many there are is said of all. */
const maxShown = 10_000;

/** As many as a page of a list has. */
const maxNames = 100;
const maxTagLength = 128;

const pattern = filled(maxPatternLength).refine(isTagPattern, invalidPattern);

/** `names` and `dry_run` are ours. */
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
    names: list(text(maxTagLength), maxNames)
      .refine((names) => names.length > 0, 'is empty')
      .optional(),
    dry_run: truth.default(false),
  }),
  ['name_regex', 'name_regex_delete', 'names'],
).refine(
  ({ names, dry_run: _, ...others }) =>
    names === undefined || Object.values(others).every((value) => value === undefined),
  'names cannot be given with other criteria',
);

const decidedResponse = z.object({
  name: z.string(),
  last_published_at: instantText,
  /** which decided that it goes, or that it stays */
  rule: z.enum(['name_regex_delete', 'names', ...keepRules]),
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
      summary:
        'Delete tags by their names and age, in the background, or those that are named, at once; or say which those would be',
      pathParams: repositoryPath,
      params: criteria,
      response: z.literal(202),
      other: { status: 200, response: dryRunResponse },
      status: 202,
      takesJobTokens: true,
      refusesBlanks: true,
      errors: [409],
      handle: async (actor, { id, repositoryId, dryRun, names, ...given }) => {
        const reference = { project: id, id: repositoryId };
        if (names) {
          const decided = await (dryRun
            ? deletions.previewNamed(actor, reference, names)
            : deletions.removeNamed(actor, reference, names));
          return new OtherAnswer(200, decidedTagsBody(decided, 'names'));
        }
        const asked = {
          nameRegexDelete: given.nameRegexDelete ?? given.nameRegex ?? '',
          nameRegexKeep: given.nameRegexKeep,
          keepN: given.keepN,
          olderThanMs: given.olderThan,
        };
        if (dryRun) {
          const decided = await deletions.preview(actor, reference, asked);
          return new OtherAnswer(200, decidedTagsBody(decided, 'name_regex_delete'));
        }
        await deletions.request(actor, reference, asked);
        return 202 as const;
      },
    }),
  ];
}

/** @param chosenBy the parameter that says what goes */
function decidedTagsBody(
  decisions: readonly DecidedTag[],
  chosenBy: 'name_regex_delete' | 'names',
): AnswerOf<typeof dryRunResponse> {
  const decidedBody = ({ tag, keptBy }: DecidedTag) => ({
    name: tag.name,
    lastPublishedAt: tag.updatedAt,
    rule: keptBy ?? chosenBy,
  });
  const going = decisions.filter(({ keptBy }) => keptBy === undefined);
  const kept = decisions.filter(({ keptBy }) => keptBy !== undefined);
  return {
    deleteCount: going.length,
    keepCount: kept.length,
    delete: going.slice(0, maxShown).map(decidedBody),
    keep: kept.slice(0, maxShown).map(decidedBody),
  };
}
