/** Secrets among settings: read as texts, and never printed. */
import { z } from 'zod';

/** A text that is never printed. */
export class SecretSetting {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return this.toString();
  }
}

export function optionalSecret() {
  return z
    .string('expected a secret, or nothing')
    .transform((text) => (text === '' ? undefined : new SecretSetting(text)));
}
