#!/bin/bash
# Compiles the precompiled header, and leaves beside it a checksum of what it was made from. With that
# (CCACHE_PCH_EXTSUM) ccache need not read the header's 90 MB for each file that uses it, and trees that have the
# same header share their objects.
#   pch_launcher.sh [CCACHE] COMPILER ARGUMENT...
set -e -o pipefail
"$@"
out= preprocess=() skip=
for a in "$@"; do
  if [ "$skip" = -o ]; then out=$a; fi
  if [ -n "$skip" ]; then skip= ; continue; fi
  case $a in
    -o | -MF | -MT | -MQ) skip=$a ;;
    -c | -MD | -MMD) ;;
    *ccache) ;;
    *) preprocess+=("$a") ;;
  esac
done
case $out in
  # Without a checksum ccache reads the header itself.
  *.gch | *.pch) "${preprocess[@]}" -E -dD -P -o - | sha256sum >"$out.sum" || rm -f "$out.sum" ;;
esac
