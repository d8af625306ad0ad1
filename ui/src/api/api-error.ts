/** A refusal in the API's own words, whichever of its shapes they came in. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** 0: there was no answer. */
  readonly status: number;
  /** What is wrong with each attribute, by its name on the wire. */
  readonly faults: Readonly<Record<string, string>>;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    status: number,
    message: string,
    faults: Readonly<Record<string, string>> = {},
    retryAfterSeconds?: number,
  ) {
    super(message);
    this.status = status;
    this.faults = faults;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** @param text the body, of which anybody on the way may be the author */
export function parseError(status: number, text: string, retryAfter: string | null): ApiError {
  const body = parseObject(text);
  const { message, error, error_description: description } = body;
  const seconds = retryAfter === null ? undefined : Number(retryAfter) || undefined;
  if (typeof message === 'object' && message !== null) {
    const faults = Object.fromEntries(Object.entries(message).map(([name, fault]) => [name, wordsOf(fault)]));
    const sentences = Object.entries(faults).map(([name, fault]) =>
      name === 'base' || name === 'error' ? fault : `${name} ${fault}`,
    );
    return new ApiError(status, sentences.join('. '), faults, seconds);
  }
  const said = [message, description, error].find((each) => typeof each === 'string' && each !== '');
  return new ApiError(status, typeof said === 'string' ? said : `HTTP ${status}`, {}, seconds);
}

function wordsOf(fault: unknown): string {
  return Array.isArray(fault) ? fault.join(', ') : String(fault);
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}
