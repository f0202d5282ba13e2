#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: deployment_docs_test.sh SOURCE_DIR GATEWHY
# The configurations that the deployment documents and the package ship are
# ones that gatewhy accepts.
set -eu
source=$1
gatewhy=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 - "$source/docs/kubernetes/gatewhy.yaml" "$work/kubernetes.yaml" <<'PY'
import sys
inside, lines = False, []
for line in open(sys.argv[1]):
    if line.startswith("  gatewhy.yaml: |"):
        inside = True
    elif inside and (line.startswith("    ") or line.strip() == ""):
        lines.append(line[4:])
    elif inside:
        break
assert lines, "no configuration found"
open(sys.argv[2], "w").writelines(lines)
PY
"$gatewhy" check -c "$work/kubernetes.yaml"
"$gatewhy" check -c "$source/systemd/gatewhy.yaml"
"$gatewhy" check -c "$source/docs/compose/gatewhy.yaml"

# Every file that the composition mounts is there.
python3 - "$source/docs/compose/compose.yaml" <<'PY'
import os, re, sys
path = sys.argv[1]
mounts = re.findall(r'"(\.{1,2}/[^":]+):/[^"]*"', open(path).read())
assert len(mounts) >= 6, mounts
missing = [m for m in mounts if not os.path.isfile(os.path.join(os.path.dirname(path), m))]
assert not missing, missing
PY
echo ok
