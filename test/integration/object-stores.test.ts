import { describeEachDatabase } from '../support/databases.ts';
import { MemoryObjectStorage } from '../support/memory-object-storage.ts';
import { describeObjectStores } from '../support/object-stores.ts';

describeEachDatabase('a bucket in memory', (open) => {
  describeObjectStores(
    'it',
    async () => {
      const storage = new MemoryObjectStorage();
      return { connect: async () => storage, dispose: async () => undefined };
    },
    async () => (await open()).objectWrites,
  );
});
