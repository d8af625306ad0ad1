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
  ...because('Where there is nothing of it, it is only not looked for in vain.', [
    ['changes/protection.ts', 'if (tags.length === 0) return;', 'false'],
    ['changes/protection.ts', 'if (protection.isEmpty) return;', 'false'],
    ['changes/protection.ts', 'if (!protection.hasTagRules) return;', 'false'],
    ['changes/quotas.ts', 'if (quotas.length === 0) return;', 'false'],
    ['changes/quotas.ts', 'if (groupPath === undefined) return [];', 'false'],
    ['hosted-repository.ts', 'id === undefined', 'false'],
    ['hosted-repository.ts', 'if (id === undefined || !manifest) {', 'false'],
    ['manifests/image-facts.ts', "if (known && known.configState !== 'missing') return known;", 'false'],
    ['manifests/image-facts.ts', 'if (isSettled) return undefined;', 'false'],
    [
      'manifests/image-facts.ts',
      'const unknown = [...new Set(digests)].filter((digest) => !known.has(digest));',
      '[...new Set(digests)]',
    ],
    ['manifests/image-facts.ts', 'return learned.length === 0', 'false'],
    ['manifests/image-facts.ts', 'if (!facts) return false;', 'true'],
    ['manifests/referrers.ts', 'if (listed.length === 0) return [];', 'false'],
  ]),
  ...because('For types: whoever is here has it, and what is undefined is more than no number.', [
    ['changes/protection.ts', 'if (!page.hasMore || last === undefined) return;', 'false'],
    [
      'changes/protection.ts',
      'if (!page.hasMore || last === undefined) return;',
      '!page.hasMore && last === undefined',
    ],
    ['changes/quotas.ts', '? []', '["Stryker was here"]'],
    ['changes/quotas.ts', 'bytes === undefined', 'false'],
    ['changes/quotas.ts', 'if (bytes === undefined) return quotas;', 'false'],
    [
      'changes/quotas.ts',
      'if (project?.quotaBytes !== undefined) await tx.projects.hold(projectId);',
      'project.quotaBytes',
    ],
    ['manifests/image-details.ts', 'if (!manifest || !facts || !summary) return undefined;', 'false'],
    [
      'manifests/image-details.ts',
      'if (!manifest || !facts || !summary) return undefined;',
      '!manifest && !facts',
    ],
    [
      'manifests/image-details.ts',
      'if (!manifest || !facts || !summary) return undefined;',
      '(!manifest || !facts) && !summary',
    ],
    [
      'manifests/inventory.ts',
      'platform: facts.get(manifest.digest)?.platform,',
      'facts.get(manifest.digest).platform',
    ],
  ]),
  ...because('Tags come in parts so that others have their turn; in other parts they are the same.', [
    [
      'changes/protection.ts',
      'for (let start = 0; start < page.tags.length; start += tagsInTurn)',
      'start <= page.tags.length',
    ],
    ['changes/protection.ts', 'yield page.tags.slice(start, start + tagsInTurn);', 'page.tags'],
    ['changes/protection.ts', 'const last = page.tags.at(-1);', '+1'],
  ]),
  ...because('What is neither named is the other: only the type has a word for it.', [
    [
      'changes/protection.ts',
      "const change = before === undefined || before === digest ? 'create' : 'overwrite';",
      '""',
    ],
    ['changes/protection.ts', "const fault = protection.findRepositoryFault(target.name, 'delete');", '""'],
    [
      'repositories/repository-renames.ts',
      "if (source.findRepositoryFault(name, 'delete')) throw renameDenied(name);",
      '""',
    ],
  ]),
  ...['true', 'false', 'project?.quotaBytes === undefined'].map((fault) => ({
    file: 'hosted/changes/quotas.ts',
    line: 'if (project?.quotaBytes !== undefined) await tx.projects.hold(projectId);',
    fault,
    reason: 'Two at once are of PostgreSQL, where it is tried with whole servers.',
  })),
  ...because('A group that is at the top has no quota around it: it is tried where groups are moved.', [
    ['changes/quotas.ts', 'if (groupPath === undefined) return [];', '["Stryker was here"]'],
  ]),
  ...because('It is no digest, and nothing is known of it.', [
    ['manifests/image-facts.ts', 'const learned: Digest[] = [];', '["Stryker was here"]'],
  ]),
  ...because('Reading what is not there fails, which comes to the same.', [
    ['manifests/image-facts.ts', "if (!reader) return 'missing';", 'false'],
  ]),
  ...because('The store has the size that the record says.', [
    [
      'manifests/image-facts.ts',
      'if (size > maxImageConfigBytes) throw new Error(`a config has ${size} bytes, over ${maxImageConfigBytes}`);',
      'size >= maxImageConfigBytes',
    ],
  ]),
  ...because('At the end there is nothing to read, which ends it as well.', [
    ['manifests/image-facts.ts', 'while (length < size) {', 'length <= size'],
  ]),
  ...because('How much is told of it is for people.', [
    [
      'manifests/manifest-acceptance.ts',
      'invalid(`the Content-Type is ${mediaType}, and the manifest itself says ${bodyType.slice(0, 160)}`);',
      'bodyType',
    ],
  ]),
  ...because('Only the key is another.', [
    ['pull-counter.ts', "const key = `${repositoryId} ${digest} ${tag ?? ''}`;", '"Stryker was here!"'],
  ]),
  ...because('That bytes which nobody needs stay is only logged.', [
    ['uploads/blob-commit.ts', '} catch (error) {', '{}'],
  ]),
];

/** @param faults file below hosted/, line and fault */
function because(
  reason: string,
  faults: readonly (readonly [string, string, string])[],
): readonly AcceptedFault[] {
  return faults.map(([file, line, fault]) => ({ file: `hosted/${file}`, line, fault, reason }));
}
