import type { AcceptedFault } from '../accepted.ts';

const inTurn = 'How others get their turn is tried with Turn itself; what comes of it here is the same.';

/** That a long step leaves others their turn. */
function turns(...files: readonly string[]): readonly AcceptedFault[] {
  return files.flatMap((file) =>
    ['true', 'false'].map((fault) => ({
      file,
      line: 'if (turn.isOver) await turn.next();',
      fault,
      reason: inTurn,
    })),
  );
}

export const acceptedInHosted: readonly AcceptedFault[] = [
  ...turns(
    'hosted/changes/protection.ts',
    'hosted/repositories/repository-renames.ts',
    'hosted/tags/tag-removal.ts',
  ),
  {
    file: 'hosted/repositories/repository-renames.ts',
    line: 'const newProject = from.projectId === to.projectId ? undefined : await tx.projects.find(to.projectId);',
    fault: 'false',
    reason: 'Within a project nothing counts more than before: it is only not counted in vain.',
  },
  {
    file: 'hosted/repositories/repository-renames.ts',
    line: 'await tx.relocations.holdProjects([from.projectId, to.projectId]);',
    fault: '[]',
    reason:
      'On SQLite there is one transaction at a time; what waits on PostgreSQL is tried with whole servers.',
  },
  {
    file: 'hosted/repositories/repository-renames.ts',
    line: 'if (!source.hasTagRules && !target.hasTagRules) return;',
    fault: 'false',
    reason: 'Where there are no rules for tags, no tag has a fault: they are only not looked at in vain.',
  },
  {
    file: 'hosted/repositories/repository-renames.ts',
    line: 'if (!repository) continue;',
    fault: 'false',
    reason: 'For types: its project is held, and it was listed just now.',
  },
  {
    file: 'hosted/tags/cleanup.ts',
    line: "const progress: Progress = { ...(policy.run ?? { repository: '', deleted: 0, failed: 0 }), kept: {} };",
    fault: '"Stryker was here!"',
    reason: 'It comes before every name as well, since those have no upper case.',
  },
  {
    file: 'hosted/tags/cleanup.ts',
    line: '...(error !== undefined && { error }),',
    fault: 'true',
    reason: 'What is undefined is not recorded.',
  },
  ...['hosted/tags/cleanup.ts', 'hosted/tags/tag-deletion.ts'].map((file) => ({
    file,
    line: file.endsWith('cleanup.ts')
      ? 'findGuard: (tag) => protection?.findTagGuard(repository.name, tag),'
      : 'parseTagCriteria(decided, (tag) => protection?.findTagGuard(repository.name, tag)),',
    fault: 'protection.findTagGuard',
    reason: 'A project that is gone has no tags to ask for.',
  })),
  ...[
    ['const endsAt = performance.now() + spreadMs;', 'performance.now() - spreadMs'],
    [
      'const partsLeft = (going.length - start) / this.#tagsAtOnce;',
      '(going.length - start) * this.#tagsAtOnce',
    ],
    ['const partsLeft = (going.length - start) / this.#tagsAtOnce;', 'going.length + start'],
    ['await this.#pause(pauseAfter(tookMs, endsAt - startedAt, partsLeft), signal);', 'endsAt + startedAt'],
  ].map(([line = '', fault = '']) => ({
    file: 'hosted/tags/tag-removal.ts',
    line,
    fault,
    reason: 'How long a pause is follows from the time that work takes, and is tried with pauseAfter.',
  })),
  {
    file: 'hosted/tags/tag-removal.ts',
    line: 'const names: Tag[] = [];',
    fault: '["Stryker was here"]',
    reason: 'It is no tag, and none of that name is removed.',
  },
  {
    file: 'hosted/tags/tag-removal.ts',
    line: 'async function waitOr(ms: number, signal: AbortSignal): Promise<void> {',
    fault: '{}',
    reason: 'That time passes is not to be waited for in tests.',
  },
  {
    file: 'hosted/tags/tag-removal.ts',
    line: 'await sleep(ms, undefined, { signal }).catch(() => undefined);',
    fault: '{}',
    reason: 'Pauses are short, and so is their end without the signal.',
  },
  {
    file: 'hosted/tags/tag-restoration.ts',
    line: 'const mediaType = (await tx.tagLists.find(id, name))?.mediaType;',
    fault: '(await tx.tagLists.find(id, name)).mediaType',
    reason: 'For types: the tag was put just now.',
  },
  {
    file: 'hosted/uploads/upload-spool.ts',
    line: "if (length !== undefined && received > length) throw anotherLength(length, 'more');",
    fault: 'true',
    reason: 'For types: nothing is more than undefined.',
  },
  {
    file: 'hosted/uploads/upload-spool.ts',
    line: 'if (length !== undefined && received < length) throw anotherLength(length, String(received));',
    fault: 'true',
    reason: 'For types: nothing is less than undefined.',
  },
  {
    file: 'hosted/uploads/upload-spool.ts',
    line: 'const listener = () => interrupt?.(signal.reason);',
    fault: 'interrupt(signal.reason)',
    reason: 'For types: an item is waited for from the beginning.',
  },
  {
    file: 'hosted/uploads/upload-spools.ts',
    line: 'if (spool.hash) this.#hashes.set(id, spool.hash);',
    fault: 'true',
    reason: 'For types: what is undefined is as good as absent.',
  },
  {
    file: 'hosted/uploads/upload-turns.ts',
    line: 'return await run({ interrupted: interruption.signal, hasWaited: before !== undefined });',
    fault: 'true',
    reason: 'A record is only read once more than it has to be.',
  },
  {
    file: 'hosted/uploads/upload-turns.ts',
    line: 'if (this.#running.get(id) === turn) this.#running.delete(id);',
    fault: 'false',
    reason: 'What is over holds up nobody: it only stays in memory.',
  },
];
