/** What a failed call to Google Cloud Storage means. */
import type { ObjectFault } from '../objects/object-storage.ts';

export function gcsFault(error: unknown): ObjectFault {
  const status = statusOf(error);
  const text = textOf(error);
  if (isAbsentBucket(text)) return 'absent';
  if (/reasonable timeframe|RequestTimeTooSkewed/.test(text)) return 'clock';
  if (status === 429 || status === 503) return 'busy';
  if (status === 401 || status === 403 || /invalid_grant|invalid_client|credentials/i.test(text))
    return 'denied';
  return status === undefined ? 'unreachable' : 'failing';
}

/** No such object, or no such upload, in a bucket that is there. */
export function isAbsentObject(error: unknown): boolean {
  return statusOf(error) === 404 && !isAbsentBucket(textOf(error));
}

function isAbsentBucket(text: string): boolean {
  return /bucket does not exist|NoSuchBucket/.test(text);
}

function statusOf(error: unknown): number | undefined {
  const response = fieldOf(error, 'response');
  const status = fieldOf(response, 'status');
  return typeof status === 'number' ? status : undefined;
}

/** Its message, and what the cloud sent with it. */
function textOf(error: unknown): string {
  const data = fieldOf(fieldOf(error, 'response'), 'data');
  const said = typeof data === 'string' || data === undefined ? data : JSON.stringify(data);
  return `${fieldOf(error, 'message')} ${said}`;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
