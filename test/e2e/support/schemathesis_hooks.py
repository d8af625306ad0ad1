"""Half of the ids that Schemathesis makes up are those of what was seeded: with made-up ones alone, next to everything is 404."""

from zlib import crc32

import schemathesis


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    for name, value in (path_parameters or {}).items():
        seed = crc32(str(value).encode("utf-8", "surrogatepass"))
        if seed % 2 == 0 and name != "name":
            path_parameters[name] = 1 + seed // 2 % 4
    return path_parameters
