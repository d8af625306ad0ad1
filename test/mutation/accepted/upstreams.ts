import type { AcceptedFault } from '../accepted.ts';

export const acceptedInUpstreams: readonly AcceptedFault[] = [
  {
    file: 'upstreams/authorizer.ts',
    line: "const challenges = parseChallenges(refusal.header('www-authenticate') ?? '');",
    fault: 'StringLiteral',
    reason: 'No words are the challenges of Basic or Bearer.',
  },
  {
    file: 'upstreams/blob-transfer.ts',
    line: String.raw`const [, first, last, size] = /^\s*bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)\s*$/i.exec(text) ?? [];`,
    fault: 'ArrayDeclaration',
    reason: 'Its first element is the whole match, which nobody looks at.',
  },
  {
    file: 'upstreams/breaker.ts',
    line: 'this.#term += 1;',
    fault: 'this.#term -= 1',
    reason: 'A term has to be another than all before it, and no more.',
  },
  ...['StringLiteral', 'OptionalChaining'].map((fault) => ({
    file: 'upstreams/health.ts',
    line: "const kind = this.#reason?.kind ?? 'unavailable';",
    fault,
    reason: 'Nothing opens the breaker without a reason; the compiler does not know.',
  })),
  {
    file: 'upstreams/health.ts',
    line: 'reason: this.#reason?.message,',
    fault: 'OptionalChaining',
    reason: 'Nothing opens the breaker without a reason; the compiler does not know.',
  },
  {
    file: 'outbound/connection-queue.ts',
    line: 'const abort = () => leave(asBusy(signal?.reason));',
    fault: 'OptionalChaining',
    reason: 'Only the signal calls it; the compiler does not know.',
  },
  ...['true', 'left >= 0'].map((fault) => ({
    file: 'outbound/connection-queue.ts',
    line: 'if (left > 0) this.#takenBy.set(repository, left);',
    fault,
    reason: 'Who has none is forgotten for the memory alone: none kept is none, too.',
  })),
  {
    file: 'outbound/connection-queue.ts',
    line: 'if (this.#taken >= this.#max) return undefined;',
    fault: 'this.#taken > this.#max',
    reason: 'It only spares looking at all who wait, of whom none has room then.',
  },
  {
    file: 'outbound/connection-queue.ts',
    line: 'if (!this.#mayHaveMore(repository)) continue;',
    fault: 'false',
    reason: 'It only spares looking at all who wait for a repository, of whom none has room then.',
  },
];
