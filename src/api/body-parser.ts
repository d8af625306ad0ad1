/** koa-body is loaded when there is a first body to read: it is large, and pulls have none. JSON is looked at before it is parsed. */
import type { Context, Middleware } from 'koa';
import type { KoaBodyMiddlewareOptions } from 'koa-body';
import { JsonError } from '../oci/json-scan.ts';
import { parseJson } from '../oci/untrusted-json.ts';

type KoaBodyOptions = Pick<KoaBodyMiddlewareOptions, 'urlencoded' | 'formLimit' | 'multipart' | 'formidable'>;

export interface BodyParserOptions extends Partial<KoaBodyOptions> {
  /** The size of a body of `application/json`; undefined: none is read. */
  readonly maxJsonBytes?: number;
  /** The size of a form that stays a text, which may have any number of parameters: koa-body takes its time for what is there many times. */
  readonly maxFormTextBytes?: number;
  /** Told why a body could not be read: {@link LateBody}, a JsonError, or the parser's error. It throws. */
  readonly onError: (error: Error) => never;
  /** How long a body may take; tests give their own. */
  readonly totalMs?: number;
}

/** How many members a form may have: many times what anything takes. */
const maxMembers = 1000;
const jsonType = 'application/json';
const formType = 'application/x-www-form-urlencoded';
/** How long forms and JSON may take: they come at once, and before anybody has logged in, too. */
const maxBodyMs = 30_000;

/** A body that did not end in time. */
export class LateBody extends Error {
  override readonly name = 'LateBody';
  readonly status = 408;

  constructor(totalMs: number) {
    super(`the body did not come within ${totalMs / 1000} seconds`);
  }
}

/** A JSON body that is empty stays a text. */
export function bodyParser(given: BodyParserOptions): Middleware {
  const { totalMs = maxBodyMs, maxJsonBytes, maxFormTextBytes, ...options } = given;
  const textLimit = maxJsonBytes ?? maxFormTextBytes;
  let loading: Promise<Middleware> | undefined;
  return async (ctx, next) => {
    if (ctx.is('*/*') === null) return next();
    loading ??= import('koa-body').then(({ koaBody, HttpMethodEnum: method }) =>
      koaBody({
        // As at GitLab, a deletion may have parameters in its body.
        parsedMethods: [method.POST, method.PUT, method.PATCH, method.DELETE],
        json: false,
        text: textLimit !== undefined,
        textTypes: [maxFormTextBytes === undefined ? jsonType : formType],
        ...(textLimit !== undefined && { textLimit }),
        urlencoded: maxFormTextBytes === undefined,
        patchNode: false,
        ...options,
      }),
    );
    await parseInTime(ctx, await loading);
    if (ctx.is(jsonType)) parseBody(ctx, options.onError);
    return next();
  };

  async function parseInTime(ctx: Context, parse: Middleware): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new LateBody(totalMs)), totalMs);
    try {
      await Promise.race([parse(ctx, async () => undefined), promise]);
    } catch (error) {
      // Whatever is left of the body has to be taken, or the connection answers nothing more: inflating may have stopped in the middle.
      ctx.req.unpipe().resume();
      if (!(error instanceof LateBody)) throw error;
      // Nobody waits for what is still to come.
      ctx.set('Connection', 'close');
      options.onError(error);
    } finally {
      clearTimeout(timer);
    }
  }
}

function parseBody(ctx: Context, onError: BodyParserOptions['onError']): void {
  const { body } = ctx.request;
  if (typeof body !== 'string' || body === '') return;
  try {
    Object.assign(ctx.request, { body: parseJson(Buffer.from(body), maxMembers) });
  } catch (error) {
    if (error instanceof JsonError) onError(error);
    throw error;
  }
}
