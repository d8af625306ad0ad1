import { containerd, containerdWithMirror } from './support/clients/containerd.ts';
import { pullSuite } from './support/pull-suite.ts';

await pullSuite(containerd);

await pullSuite(containerdWithMirror);
