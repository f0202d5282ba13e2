#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Run by ctest: what other programs say about the documents that they read.
# usage: check_documents.sh SOURCE_DIR
set -euo pipefail
root=$1
failed=0

for page in "$root"/docs/man/*; do
  warnings=$(groff -man -ww -rF0 -Tutf8 -z "$page" 2>&1)
  if [ -n "$warnings" ]; then
    printf '%s:\n%s\n' "$page" "$warnings"
    failed=1
  fi
done

# Not on machines without systemd.
if command -v journalctl >/dev/null; then
  tree=$(mktemp -d)
  trap 'rm -rf "$tree"' EXIT
  mkdir -p "$tree/usr/lib/systemd/catalog" "$tree/var/lib/systemd/catalog"
  cp "$root/systemd/gatewhy.catalog" "$tree/usr/lib/systemd/catalog/"
  journalctl --root="$tree" --update-catalog
  written=$(grep -c '^-- ' "$root/systemd/gatewhy.catalog")
  compiled=$(journalctl --root="$tree" --list-catalog | grep -c '^[0-9a-f]\{32\} gatewhy: ')
  if [ "$written" -ne "$compiled" ]; then
    echo "gatewhy.catalog has $written entries, journalctl found $compiled"
    failed=1
  fi
fi
exit $failed
