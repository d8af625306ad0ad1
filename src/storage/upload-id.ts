/** Ids of uploads become paths and keys: nothing else may. */
const pattern = /^[A-Za-z0-9-]{1,64}$/;

export function isUploadId(text: string): boolean {
  return pattern.test(text);
}

/** @throws Error where it is none */
export function demandUploadId(text: string): string {
  if (isUploadId(text)) return text;
  throw new Error(`'${text}' is not the id of an upload`);
}
