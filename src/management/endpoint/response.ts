/** Answers of their own kind: with another status, and while work goes on after them. */
import { z } from 'zod';

/** An answer with another status than the endpoint's, where a parameter asks for it. */
export class OtherAnswer<S extends number, B> {
  readonly status: S;
  readonly body: B;

  constructor(status: S, body: B) {
    this.status = status;
    this.body = body;
  }
}

/** The answer while the work goes on. */
export const acceptedResponse = z.object({ message: z.literal('202 Accepted') }).meta({ id: 'Accepted' });

export const accepted = { message: '202 Accepted' } as const;
