/** What the collector did, or would do, and why: for people. */
import type { GcCounts } from '../metadata/collector/gc-runs.ts';
import type { Outcome } from './collector.ts';
import { describeHolder } from './verdict.ts';

/** One line: `blob sha256:… (123 bytes): goes, because no repository links it …`. @param repository name of where it is */
export function describeOutcome(
  { review: { kind, digest, event }, verdict, bytes }: Outcome,
  repository: string | undefined,
): string {
  const what = kind === 'link' ? 'blob' : kind === 'blob' ? 'bytes of blob' : kind;
  const where = repository === undefined ? '' : ` of ${repository}`;
  const size = bytes > 0 ? ` (${bytes} bytes)` : '';
  const name = `${what} ${digest}${where}${size}`;
  switch (verdict.is) {
    case 'garbage':
      return `${name}: goes: ${verdict.why} (after ${event})`;
    case 'held':
      return `${name}: stays: ${describeHolder(verdict.by)} holds it`;
    case 'kept': {
      const until = verdict.until === undefined ? '' : ` until ${new Date(verdict.until).toISOString()}`;
      return `${name}: stays${until}: ${verdict.why}`;
    }
    case 'gone':
      return `${name}: is gone already`;
    case 'failed':
      return `${name}: could not be looked at: ${verdict.error}`;
  }
}

/** The last line. */
export function describeCounts(counts: GcCounts, isDry: boolean): string {
  const { reviewed, manifests, links, blobs, bytes, payloads, failed } = counts;
  const removed = `${manifests} manifests, ${links} links of blobs, ${blobs} blobs with ${bytes} bytes, and ${payloads} payloads of manifests`;
  const done = isDry ? 'Nothing was changed. Would go:' : 'Removed:';
  const failures = failed > 0 ? ` ${failed} failed; the log says why.` : '';
  return `${reviewed} things were looked at. ${done} ${removed}.${failures}`;
}
