import type { AcceptedFault } from '../accepted.ts';

export const acceptedInProxy: readonly AcceptedFault[] = [
  {
    file: 'proxy/download.ts',
    line: 'if (end !== undefined && this.#position + chunk.length > end) {',
    fault: 'true',
    reason: 'no number is over undefined; the comparison says so to the compiler',
  },
  {
    file: 'proxy/download.ts',
    line: 'if (end !== undefined && this.#position < end) {',
    fault: 'true',
    reason: 'no number is below undefined; the comparison says so to the compiler',
  },
  {
    file: 'proxy/revalidation.ts',
    line: 'const fields = { upstream: source.upstream.settings.name, repository, reference, reason: error.message };',
    fault: '{}',
    reason: 'it is what three lines of the log say',
  },
  {
    file: 'proxy/revalidation.ts',
    line: "return { state: 'refused', answer };",
    fault: '""',
    reason: 'it is the state that is none of those which are looked for by name',
  },
  {
    file: 'proxy/tag-page.ts',
    line: 'if (tag !== undefined && tag <= text) low = middle + 1;',
    fault: 'true',
    reason: 'the index is within the list; the comparison says so to the compiler',
  },
  {
    file: 'proxy/virtual-registries.ts',
    line: 'if (first && view.parts.length === 1) return this.#repositoryAt(view, first, name);',
    fault: 'false',
    reason: 'an order of one part answers as the part itself; it is only another object in between',
  },
];
