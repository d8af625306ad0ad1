/** The Node that the program needs, as package.json says it to npm. */
export const neededMajor = 26;
export const runningMajor = Number.parseInt(process.versions.node, 10);
