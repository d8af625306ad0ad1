import { buildah } from './support/clients/buildah.ts';
import { pullSuite } from './support/pull-suite.ts';

await pullSuite(buildah);
