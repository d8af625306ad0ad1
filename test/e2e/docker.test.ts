import { docker } from './support/clients/docker.ts';
import { pullSuite } from './support/pull-suite.ts';

await pullSuite(docker);
