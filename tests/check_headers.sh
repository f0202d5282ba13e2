#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_headers.sh SOURCE_DIR COMPILER: every header compiles with nothing in front
# of it. One that its own unit includes first is left to that unit, which `make
# tidy` compiles without precompiled headers.
cd "$1" || exit 1
find diagnostics config proxy daemon -name '*.h' | while read -r header; do
  unit="${header%.h}.cpp"
  first=$(sed -n 's/^#include "\(.*\)"/\1/p;/^#include/q' "$unit" 2>/dev/null)
  [ "$first" = "$header" ] || printf '%s\0' "$header"
done |
  xargs -0 -P "$(nproc)" -I{} sh -c '"$1" -std=c++20 -fsyntax-only -I. -DGATEWHY_VERSION=\"0\" -DSPDLOG_FMT_EXTERNAL -include "$2" -x c++ /dev/null || { echo "does not compile alone: $2"; exit 255; }' sh "$2" {}
