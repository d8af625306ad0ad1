import type { AcceptedFault } from '../accepted.ts';

export const acceptedInObjects: readonly AcceptedFault[] = [
  {
    file: 'storage/objects/object-blob-store.ts',
    line: 'if ((await spool.readAt(Buffer.alloc(1), 0)) !== 1)',
    fault: 'false',
    reason: 'no disk that tests can have takes a byte and does not give it back',
  },
  {
    file: 'storage/objects/object-blob-store.ts',
    line: "if (!write) throw new Error('an id was given twice');",
    fault: 'false',
    reason: 'an id is 96 bits at random',
  },
  {
    file: 'storage/objects/object-blob-store.ts',
    line: 'await (isWhole ? write.putPiece(part, true) : write.putPart(part));',
    fault: 'false',
    reason: 'the one piece has none before it',
  },
  {
    file: 'storage/objects/object-inventory.ts',
    line: 'return id !== undefined && records.isKnown(id);',
    fault: 'true',
    reason: 'what is parsed as a key has the id of a write',
  },
  {
    file: 'storage/objects/object-spool.ts',
    line: 'for (const { key, size } of withPieces ? this.#write.pieces : []) {',
    fault: 'ArrayDeclaration',
    reason: 'what is put in the place of no pieces has no size, and nothing is read of it',
  },
  {
    file: 'storage/objects/object-write.ts',
    line: "if (partedId === undefined) throw new Error('nothing was put in parts');",
    fault: 'false',
    reason: 'nobody seals what has no parts; it is said for the compiler, which cannot know',
  },
  {
    file: 'storage/objects/object-write.ts',
    line: 'await this.#save({ claim: null });',
    fault: 'ObjectLiteral',
    reason: 'who has let go does nothing more, and whoever goes on takes it from anybody',
  },
  {
    file: 'storage/objects/object-write.ts',
    line: 'this.#hasNumber = false;',
    fault: 'true',
    reason: 'a write one of whose parts failed has no other put',
  },
  {
    file: 'storage/read-cache/cache-fill.ts',
    line: 'leave: () => copy.remove(),',
    fault: 'ArrowFunction',
    reason: 'a fill has committed or aborted its spool before it is closed',
  },
];
