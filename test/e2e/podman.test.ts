import { podman } from './support/clients/podman.ts';
import { pullSuite } from './support/pull-suite.ts';

await pullSuite(podman);
