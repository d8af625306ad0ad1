import { MemoryObjectStorage } from '../../../support/memory-object-storage.ts';
import { describeObjectStorage } from '../../../support/object-storage-suite.ts';

describeObjectStorage('memory', async () => ({
  storage: new MemoryObjectStorage(),
  servesHttp: false,
  dispose: async () => undefined,
}));
