/** Why a command has done nothing, in a sentence. */
export class CommandRefused extends Error {
  override readonly name: string = 'CommandRefused';
}
