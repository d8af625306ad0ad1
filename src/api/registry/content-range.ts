/** The Content-Range of a chunk that is pushed. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks */
import { OciError } from '../../oci/errors.ts';
import type { ByteRange } from './range.ts';

/** As the specification has it, and as RFC 9110 has it, which some clients follow. */
const pattern = /^(?:bytes )?([0-9]{1,15})-([0-9]{1,15})(?:\/(?:[0-9]+|\*))?$/;

/** Undefined for an empty header. @throws OciError BLOB_UPLOAD_INVALID (416) for one that is no range */
export function parseContentRange(header: string): ByteRange | undefined {
  if (header === '') return undefined;
  const [, first, last] = pattern.exec(header) ?? [];
  const range = { start: Number(first), end: Number(last) + 1 };
  if (range.start < range.end) return range;
  throw new OciError('BLOB_UPLOAD_INVALID', {
    status: 416,
    detail: `Content-Range must be <first byte>-<last byte>, not '${header.slice(0, 80)}'`,
  });
}
