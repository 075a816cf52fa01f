# SPDX-License-Identifier: GPL-2.0-or-later
"""oci_schema.py config|state FILE...: holds JSON files against the schema of the OCI runtime
specification (Debian: golang-github-opencontainers-specs-dev, python3-jsonschema)."""

import json
import os
import sys

import jsonschema

DIR = "/usr/share/gocode/src/github.com/opencontainers/runtime-spec/schema"


def main():
    name = {"config": "config-schema.json", "state": "state-schema.json"}[sys.argv[1]]
    with open(os.path.join(DIR, name), encoding="utf-8") as f:
        schema = json.load(f)
    resolver = jsonschema.RefResolver("file://" + os.path.join(DIR, name), schema)
    validator = jsonschema.Draft4Validator(schema, resolver=resolver)
    bad = 0
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as f:
            errors = list(validator.iter_errors(json.load(f)))
        for e in errors:
            print(f"{path}: {'/'.join(map(str, e.absolute_path))}: {e.message}")
        bad |= bool(errors)
    return bad


sys.exit(main())
