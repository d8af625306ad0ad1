/** `entrepot replication`: rules of a project that copy its tags to another registry, or bring tags from one. */
import { type Command, Option } from 'commander';
import { UsageError } from '../command.ts';
import { segment } from './api-client.ts';
import { readSecret } from './read-secret.ts';
import { type Ask, online } from './remote.ts';

const columns = {
  ID: 'id',
  NAME: 'name',
  DIRECTION: 'direction',
  TRIGGER: 'trigger',
  'EVERY HOURS': 'every_hours',
  URL: 'url',
  REPOSITORIES: 'repository_regex',
  TAGS: 'tag_regex',
  TARGET: 'target',
  ON: 'enabled',
};
const runColumns = {
  RUN: 'id',
  TRIGGER: 'trigger',
  WAITING: 'waiting',
  COPIED: 'copied',
  UNCHANGED: 'unchanged',
  DELETED: 'deleted',
  SKIPPED: 'skipped',
  FAILED: 'failed',
  BYTES: 'bytes',
  STARTED: 'started_at',
  ENDED: 'ended_at',
  REASON: 'reason',
};
const tagColumns = {
  REPOSITORY: 'repository',
  TAG: 'tag',
  STATUS: 'status',
  BYTES: 'bytes',
  'TRIED AGAIN': 'due_at',
  REASON: 'reason',
};

interface NewRule {
  readonly name?: string;
  readonly pull?: true;
  readonly onEvent?: true;
  readonly every?: string;
  readonly username?: string;
  readonly repositories?: string;
  readonly tags?: string;
  readonly target?: string;
  readonly deletions?: true;
  readonly override: boolean;
  readonly referrers: boolean;
  readonly privateNetwork?: true;
}

export function addReplicationCommands(program: Command, ask: Ask): void {
  const replication = program
    .command('replication')
    .description('rules that copy tags to another registry, or from one');
  online(replication, 'create <project> <url>', 'copy tags of a project to the registry at a URL')
    .option('--pull', 'bring tags from there instead')
    .option('--name <text>', 'the name that is shown (default: the URL)')
    .addOption(new Option('--on-event', 'when a tag is pushed here (default: by hand)').conflicts('every'))
    .option('--every <hours>', 'by a schedule')
    .option('--username <name>', 'who logs in there; the password is asked for, or read from standard input')
    .option('--repositories <regex>', 'only those whose whole name matches; of a pull, their names there')
    .option('--tags <regex>', 'only tags that match as a whole')
    .option('--target <name>', 'where to, with {project}, {repository} and {name}')
    .option('--deletions', 'delete there what is gone here, or here what is gone there')
    .option('--no-override', 'leave tags that are other images')
    .option('--no-referrers', 'leave signatures and whatever else refers to an image')
    .option('--private-network', 'it may be in a private network; for administrators to say')
    .action(
      ask(async ({ api, output, terminal }, project: string, url: string, options: NewRule) => {
        const { username, every, onEvent, pull, name = url } = options;
        const password =
          username === undefined ? undefined : await readSecret(terminal, `Password of ${username}`);
        const made = await api.send('POST', rulesOf(project), {
          name,
          url,
          username,
          password,
          direction: pull ? 'pull' : 'push',
          trigger: onEvent ? 'event' : every === undefined ? 'manual' : 'schedule',
          every_hours: every,
          repository_regex: options.repositories,
          tag_regex: options.tags,
          target: options.target,
          deletions: options.deletions,
          override: options.override,
          referrers: options.referrers,
          allow_private_network: options.privateNetwork,
        });
        output.done(
          made,
          `Rule ${made['id']}: entrepot replication run ${project} ${made['id']} copies what is there already.`,
        );
      }),
    );
  online(replication, 'list <project>', 'those of a project').action(
    ask(async ({ api, output }, project: string) => output.list(await api.list(rulesOf(project)), columns)),
  );
  online(
    replication,
    'run <project> <rule>',
    'look at all tags that a rule is for, in the background',
  ).action(
    ask(async ({ api, output }, project: string, rule: string) => {
      const run = await api.send('POST', `${ruleOf(project, rule)}/run`);
      output.done(
        run,
        `Run ${run['id']}: entrepot replication results ${project} ${rule} shows how far it is.`,
      );
    }),
  );
  online(replication, 'results <project> <rule>', 'the last runs of a rule, or the tags of one')
    .option('--run <run>', 'the tags of this run')
    .option(
      '--status <status>',
      'only tags that are so: failed, waiting, copied, unchanged, deleted, skipped',
    )
    .action(
      ask(
        async (
          { api, output },
          project: string,
          rule: string,
          { run, status }: { readonly run?: string; readonly status?: string },
        ) => {
          const runs = `${ruleOf(project, rule)}/runs`;
          if (run !== undefined)
            return output.list(await api.list(`${runs}/${segment(run)}/tags`, { status }), tagColumns);
          if (status !== undefined) throw new UsageError('--status is for the tags of a --run');
          return output.list(await api.list(runs), runColumns);
        },
      ),
    );
  online(replication, 'remove <project> <rule>', 'copy no more by it; what was copied stays').action(
    ask(async ({ api, output }, project: string, rule: string) => {
      await api.send('DELETE', ruleOf(project, rule));
      output.done({ id: rule }, `Rule ${rule} is gone.`);
    }),
  );
}

function rulesOf(project: string): string {
  return `/projects/${segment(project)}/registry/replication/rules`;
}

function ruleOf(project: string, rule: string): string {
  return `${rulesOf(project)}/${segment(rule)}`;
}
