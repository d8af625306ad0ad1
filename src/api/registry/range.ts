/** Parts of bytes: the Range of what is pulled, and the Content-Range of what is pushed in chunks. https://www.rfc-editor.org/rfc/rfc9110#section-14 */
import { OciError } from '../../oci/errors.ts';

export interface ByteRange {
  readonly start: number;
  /** The first byte after it. */
  readonly end: number;
}

/** How many ranges clients of zstd:chunked images ask for at once. */
const maxRanges = 1024;
const rangePattern = /^(?:([0-9]{1,15})-([0-9]{0,15})|-([0-9]{1,15}))$/;

/**
 * The parts of a blob of `size` bytes that are asked for, in the order asked, cut to its end. Undefined where the header
 * says nothing that can be understood, or costs more than the whole: then the whole is the answer. Empty where none of the
 * parts exists. A range that ends before it starts does not exist either, as the conformance suite has it.
 */
export function parseRange(header: string, size: number): readonly ByteRange[] | undefined {
  const [unit, list] = header.split('=', 2);
  if (unit?.trim().toLowerCase() !== 'bytes' || list === undefined) return undefined;
  const specs = list
    .split(',')
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '');
  if (specs.length === 0 || specs.length > maxRanges) return undefined;
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const [matched, first, last, suffix] = rangePattern.exec(spec) ?? [];
    if (matched === undefined) return undefined;
    const start = first === undefined ? Math.max(0, size - Number(suffix)) : Number(first);
    const end = first === undefined || !last ? size : Math.min(size, Number(last) + 1);
    if (start < end) ranges.push({ start, end });
  }
  const total = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  return ranges.length > 1 && total > size ? undefined : ranges;
}

export function contentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end - 1}/${size}`;
}

/**
 * A Content-Range may be as the specification has it, or as RFC 9110 has it, which some clients follow.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
const contentRangePattern = /^(?:bytes )?([0-9]{1,15})-([0-9]{1,15})(?:\/(?:[0-9]+|\*))?$/;

/** The range; undefined for an empty header. @throws OciError BLOB_UPLOAD_INVALID (416) for one that is no range */
export function parseContentRange(header: string): ByteRange | undefined {
  if (header === '') return undefined;
  const [, first, last] = contentRangePattern.exec(header) ?? [];
  const range = { start: Number(first), end: Number(last) + 1 };
  if (range.start < range.end) return range;
  throw new OciError('BLOB_UPLOAD_INVALID', {
    status: 416,
    detail: `Content-Range must be <first byte>-<last byte>, not '${header.slice(0, 80)}'`,
  });
}
