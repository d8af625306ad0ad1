import { skopeo } from './support/clients/skopeo.ts';
import { pullSuite } from './support/pull-suite.ts';

await pullSuite(skopeo);
