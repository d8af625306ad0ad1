/** Kinds of values in answers, as schemas: a body's function fills its schema, and the API document is written from it. */
import { z } from 'zod';

/** What a function gives for a schema of an answer; nobody changes it any more. */
export type BodyOf<R extends z.ZodType> = Fixed<z.input<R>>;

type Fixed<T> = T extends readonly (infer E)[]
  ? readonly Fixed<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Fixed<T[K]> }
    : T;

/** An answer with another status than the endpoint's, where a parameter asks for it. */
export class OtherAnswer<S extends number, B> {
  readonly status: S;
  readonly body: B;

  constructor(status: S, body: B) {
    this.status = status;
    this.body = body;
  }
}

/** Of what goes on after the answer. */
export const acceptedResponse = z.object({ message: z.literal('202 Accepted') }).meta({ id: 'Accepted' });

export const accepted: BodyOf<typeof acceptedResponse> = { message: '202 Accepted' };
