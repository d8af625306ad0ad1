/** Who is told what happens in repositories, as operators write it: a list of endpoints, and what holds for all of them. */
import { z } from 'zod';
import { eventActions } from '../oci/registry-event.ts';
import { isHeaderName, isHeaderValue } from '../rules/webhook-headers.ts';
import {
  count,
  duration,
  flag,
  httpUrl,
  jsonList,
  listOf,
  name,
  network,
  required,
  unlessSaid,
} from './setting-values.ts';

/** A header with a value that is never printed. */
export class HeaderSetting {
  readonly name: string;
  readonly #value: string;

  constructor(name: string, value: string) {
    this.name = name;
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return `${this.name}: ***`;
  }

  toJSON(): string {
    return this.toString();
  }
}

const expectedHeader = 'expected a header such as "Authorization: Bearer …", none that HTTP needs itself';
const header = z.string(expectedHeader).transform((text, context) => {
  const [name = '', ...rest] = text.split(':');
  const value = rest.join(':').trim();
  if (rest.length > 0 && isHeaderName(name) && isHeaderValue(value)) return new HeaderSetting(name, value);
  context.addIssue(expectedHeader);
  return z.NEVER;
});

const retries = () => count(0, 100);

const endpoint = z
  .strictObject(
    {
      name: required(name),
      url: required(httpUrl),
      headers: z.array(header, 'expected a list of headers').readonly().default([]),
      timeout_seconds: unlessSaid(duration()),
      backoff_seconds: unlessSaid(duration()),
      max_retries: unlessSaid(retries()),
      ignored_actions: listOf(z.enum(eventActions, `expected some of ${eventActions.join(', ')}`)).default(
        [],
      ),
      ignored_media_types: listOf(required(name)).default([]),
      disabled: flag().default(false),
    },
    'expected name, url and what else is said of an endpoint',
  )
  .transform((given) => ({
    name: given.name,
    url: given.url,
    headers: given.headers,
    timeoutMs: given.timeout_seconds,
    backoffMs: given.backoff_seconds,
    maxRetries: given.max_retries,
    ignoredActions: given.ignored_actions,
    ignoredMediaTypes: given.ignored_media_types,
    disabled: given.disabled,
  }));

function endpoints() {
  return jsonList(endpoint, 'expected a list of endpoints, in the environment as JSON').refine(
    (list) => new Set(list.map((each) => each.name)).size === list.length,
    'expected another name for each endpoint',
  );
}

/** The shape of the section `webhooks`. */
export const webhookSettings = {
  endpoints: endpoints(),
  allowedNetworks: listOf(network()),
  maxPerProject: count(1, 10_000),
  timeoutMs: duration(),
  backoffMs: duration(),
  maxRetries: retries(),
  maxParallel: count(1, 1000),
  maxQueuedPulls: count(1, 1_000_000),
  includeReferences: flag(),
  keepMs: duration(),
};
