/** What the operating system refuses, told by its code. */
export interface SystemError extends Error {
  readonly code: string;
  readonly syscall?: unknown;
  readonly address?: unknown;
  readonly port?: unknown;
  readonly hostname?: unknown;
  readonly path?: unknown;
}

/** @param codes such as ENOENT: one of these; none: any */
export function isSystemError(error: unknown, ...codes: readonly string[]): error is SystemError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && (codes.length === 0 || codes.includes(code));
}
