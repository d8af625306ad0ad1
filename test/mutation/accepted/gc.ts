import type { AcceptedFault } from '../accepted.ts';

const onlyForTypes = 'asked for the types alone: what is looked up exists, in the same transaction';
const closed = 'a server that ends closes what sleeps, so that no timer keeps the process';

export const acceptedInGc: readonly AcceptedFault[] = [
  {
    file: 'gc/collector.ts',
    line: 'await reviewQueue.release(reviews.slice(index));',
    fault: 'reviews',
    reason: 'the reviews before it are decided: they have no row any more, or no claim',
  },
  {
    file: 'gc/collector.ts',
    line: "if (verdict.is === 'kept' && verdict.until !== undefined)",
    fault: 'true',
    reason: 'asked for the types alone: no other verdict has an end',
  },
  ...['true', 'waitMs > 1'].map((fault) => ({
    file: 'gc/collector.ts',
    line: 'if (waitMs >= 1) await sleep(waitMs, undefined, { signal: run.signal }).catch(() => undefined);',
    fault,
    reason: 'a millisecond more or less between reviews, which timers do not keep to',
  })),
  {
    file: 'gc/collector-worker.ts',
    line: 'await sleep(pauseMs, undefined, { signal: waking, ref: false }).catch(() => undefined);',
    fault: 'true',
    reason: closed,
  },
  {
    file: 'gc/dry-run.ts',
    line: "if (kind === 'blob') return (await this.#records.blobs.find(digest))?.size ?? 0;",
    fault: 'OptionalChaining',
    reason: onlyForTypes,
  },
  {
    file: 'gc/removal.ts',
    line: 'if (held.storageKey !== undefined) await tx.blobs.remove(digest, held.storageKey);',
    fault: 'true',
    reason: onlyForTypes,
  },
  ...['const name = repository?.name;', 'projectPath: project?.fullPath,'].map((line) => ({
    file: 'gc/removal.ts',
    line,
    fault: 'OptionalChaining',
    reason: onlyForTypes,
  })),
  {
    file: 'gc/scrub.ts',
    line: 'await sleep((bytes / bytesPerSecond) * 1000, undefined, { signal, ref: false }).catch(() => undefined);',
    fault: 'true',
    reason: closed,
  },
  ...['true', '() => undefined'].map((fault) => ({
    file: 'gc/storage-check.ts',
    line: 'if (options.repair) await treatCopy({ ...options, heal: async () => false }, copy, verdict);',
    fault,
    reason: 'what becomes of the finding is settled by the next scrub, and nobody asks here',
  })),
  {
    file: 'gc/verdict.ts',
    line: '(use.subject !== undefined && without?.manifests.get(repositoryId)?.has(use.subject) === true);',
    fault: 'true',
    reason: 'asked for the types alone: what is gone is never undefined',
  },
  {
    file: 'gc/verify-copy.ts',
    line: "return cause instanceof Error && 'code' in cause && cause.code === 'EIO';",
    fault: 'true',
    reason: 'asked for the types alone: an error without a code has none that is this',
  },
];
