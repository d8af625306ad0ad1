/** What answers carry, for tests that look into them. */
interface ErrorBody {
  readonly errors: readonly { readonly code: string; readonly message: string }[];
}

export async function jsonOf<T>(answer: Response): Promise<T> {
  return (await answer.json()) as T;
}

/** The first error of an OCI error body. */
export async function errorOf(answer: Response): Promise<ErrorBody['errors'][number]> {
  const [error] = (await jsonOf<ErrorBody>(answer)).errors;
  if (!error) throw new Error('the answer names no error');
  return error;
}

export async function bytesOf(answer: Response): Promise<Buffer> {
  return Buffer.from(await answer.arrayBuffer());
}

interface Index {
  readonly manifests: readonly { readonly digest: string }[];
}

export async function manifestsOf(answer: Response): Promise<Index['manifests']> {
  return (await jsonOf<Index>(answer)).manifests;
}

export async function tagsOf(answer: Response): Promise<readonly string[]> {
  return (await jsonOf<{ readonly tags: readonly string[] }>(answer)).tags;
}
