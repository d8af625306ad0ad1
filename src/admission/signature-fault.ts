/** Says why a signature does not count; the message follows "it": "is of another image". */
export class SignatureFault extends Error {
  override readonly name = 'SignatureFault';
}
