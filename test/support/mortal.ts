/** A process that dies at one of its awaits: from then on nothing that it calls does anything. */
export class Died extends Error {
  override readonly name = 'Died';
}

export interface Life {
  /** How many calls, and returns from calls, are left. */
  left: number;
}

/** The same object, as this process has it; what a transaction gives, too. */
export function mortal<T extends object>(target: T, life: Life): T {
  const step = () => {
    life.left -= 1;
    if (life.left < 0) throw new Died('the process died');
  };
  return new Proxy(target, {
    get(object, property) {
      const value: unknown = Reflect.get(object, property, object);
      if (typeof value === 'object' && value !== null) return mortal(value, life);
      if (typeof value !== 'function') return value;
      return async (...given: unknown[]) => {
        step();
        const [run] = given;
        const isTransaction = property === 'transaction' && typeof run === 'function';
        const result = await value.apply(
          object,
          isTransaction ? [(tx: object) => run(mortal(tx, life))] : given,
        );
        step();
        return result;
      };
    },
  });
}
