/** Who may read bytes that are here: an upstream of the origin they came from is asked, as knowing a digest is not permission. */
import type { Digest } from '../oci/digest.ts';
import { type Answer, answerOf, mayDiffer, refusalOf } from './refusal.ts';
import { originOf, type Source } from './source.ts';

/** The first of the sources, at one of these origins, whose upstream says by HEAD that it has the blob. */
export async function findProof(
  sources: readonly Source[],
  origins: ReadonlySet<string>,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<Source | undefined> {
  for (const source of sources.filter((each) => origins.has(originOf(each)))) {
    const found = await source.upstream.headBlob(source.repository, digest, signal).then(
      () => source,
      () => undefined,
    );
    signal?.throwIfAborted();
    if (found) return found;
  }
  return undefined;
}

/** The size of a blob as the first of the sources says that has it. @throws OciError BLOB_UNKNOWN, UNAVAILABLE, TOOMANYREQUESTS */
export async function askSize(
  sources: readonly Source[],
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<{ size: number | undefined }> {
  const answers = new Map<Source, Answer>();
  for (const ask of [headBlob, openAndClose])
    for (const source of sources) {
      const said = answers.get(source);
      if (said && !mayDiffer(said.error)) continue;
      try {
        return { size: await ask(source, digest, signal) };
      } catch (error) {
        answers.set(source, answerOf(source, error));
      }
    }
  throw refusalOf('BLOB_UNKNOWN', `blob ${digest}`, [...answers.values()]);
}

type Ask = (source: Source, digest: Digest, signal: AbortSignal | undefined) => Promise<number | undefined>;

const headBlob: Ask = ({ upstream, repository }, digest, signal) =>
  upstream.headBlob(repository, digest, signal);

/** GET has the last word, of which no more than the beginning is read. */
const openAndClose: Ask = async ({ upstream, repository }, digest, signal) => {
  const opened = await upstream.openBlob(repository, digest, { start: 0 }, signal);
  opened.close();
  return opened.size;
};
