/** What is sent with bytes so that S3 refuses those that changed on their way. Compatible stores know one kind or another. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

export const s3Checksums = ['crc32', 'sha256', 'md5', 'none'] as const;
export type S3Checksum = (typeof s3Checksums)[number];

interface Sums {
  readonly ChecksumCRC32?: string;
  readonly ChecksumSHA256?: string;
  readonly ContentMD5?: string;
}

export function checksumOf(kind: S3Checksum, bytes: Uint8Array): Sums {
  switch (kind) {
    case 'crc32': {
      const sum = Buffer.alloc(4);
      sum.writeUInt32BE(crc32(bytes));
      return { ChecksumCRC32: sum.toString('base64') };
    }
    case 'sha256':
      return { ChecksumSHA256: createHash('sha256').update(bytes).digest('base64') };
    case 'md5':
      return { ContentMD5: createHash('md5').update(bytes).digest('base64') };
    case 'none':
      return {};
  }
}

/** What is said at the begin of what has parts. */
export function partChecksumOf(kind: S3Checksum) {
  if (kind === 'crc32') return { ChecksumAlgorithm: 'CRC32', ChecksumType: 'COMPOSITE' } as const;
  if (kind === 'sha256') return { ChecksumAlgorithm: 'SHA256' } as const;
  return {};
}

/** What is kept of a part until its object is complete: its ETag, and the checksum that S3 wants to hear again. */
export function tagOf(eTag: string | undefined, { ChecksumCRC32, ChecksumSHA256 }: Sums): string {
  const sum = (ChecksumCRC32 && `crc32:${ChecksumCRC32}`) ?? (ChecksumSHA256 && `sha256:${ChecksumSHA256}`);
  return [eTag ?? '', ...(sum ? [sum] : [])].join(' ');
}

/** As {@link tagOf} made it. */
export function parseTag(tag: string) {
  const [ETag = '', sum = ''] = tag.split(' ');
  const [kind, value = ''] = sum.split(':');
  if (kind === 'crc32') return { ETag, ChecksumCRC32: value };
  return kind === 'sha256' ? { ETag, ChecksumSHA256: value } : { ETag };
}
