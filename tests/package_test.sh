#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: package_test.sh SOURCE_DIR PACKAGE.deb
# What docs/deployment.md says of the package is in it, and works.
set -eu
source=$1
package=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*" >&2; exit 1; }
dpkg-deb -x "$package" "$work/root"
dpkg-deb -e "$package" "$work/control"

for path in usr/bin/gatewhy etc/gatewhy/gatewhy.yaml \
  lib/systemd/system/gatewhy.service lib/systemd/system/gatewhy-http.socket lib/systemd/system/gatewhy-https.socket \
  usr/share/man/man1/gatewhy.1.gz usr/share/man/man5/gatewhy.yaml.5.gz usr/share/man/man8/gatewhy-run.8.gz \
  usr/share/man/man7/gatewhy-causes.7.gz usr/share/man/man7/gatewhy-findings.7.gz usr/share/man/man7/gatewhy-status-codes.7.gz \
  usr/share/bash-completion/completions/gatewhy usr/lib/systemd/catalog/gatewhy.catalog \
  usr/share/gatewhy/config.schema.json usr/share/gatewhy/event.schema.json \
  usr/share/gatewhy/alerts.yaml usr/share/gatewhy/rules.yaml usr/share/gatewhy/dashboard.json usr/share/gatewhy/certificate-hook usr/share/doc/gatewhy/copyright; do
  [ -s "$work/root/$path" ] || fail "the package lacks $path"
done

# The file that the documents tell to install, and every path of ours that they or the units name.
grep -q "$(basename "$package")" "$source/docs/deployment.md" || fail "docs/deployment.md names another file than $package"
grep -ohP '(?<!/var)/(usr|lib)/[A-Za-z0-9_./-]*gatewhy[A-Za-z0-9_./-]*' "$source"/docs/*.md "$work"/root/lib/systemd/system/* | sort -u |
  while read -r path; do
    [ -e "$work/root$path" ] || fail "the documents or units name $path, which is not in the package"
  done

# Links between the documents work where they are installed, but for what is in the source only.
cd "$work/root/usr/share/doc/gatewhy"
find . -name '*.md' | while read -r file; do
  grep -oE '\]\([A-Za-z0-9_./-]+\.(md|yaml)' "$file" | sed 's/^](//' | grep -vE '^(\.\./)?(CONTRIBUTING\.md|tests/|bench/)' | sort -u | while read -r link; do
    [ -s "$(dirname "$file")/$link" ] || fail "$file links to $link, which is not in the package"
  done
done
cd - >/dev/null

# Everything in /etc is kept over an upgrade.
(cd "$work/root" && find etc -type f | sed 's,^,/,' | sort) >"$work/etc"
sort "$work/control/conffiles" | cmp - "$work/etc" || fail "conffiles are not the files in /etc"

gatewhy=$work/root/usr/bin/gatewhy
version=$(sed -n 's/^Version: \(.*\)-[^-]*$/\1/p' "$work/control/control")
"$gatewhy" --version | grep -qF "$version" || fail "the binary is not version $version"
"$gatewhy" check -c "$work/root/etc/gatewhy/gatewhy.yaml" || fail "the packaged configuration is not valid"
"$gatewhy" schema | cmp - "$work/root/usr/share/gatewhy/config.schema.json"
"$gatewhy" schema --event | cmp - "$work/root/usr/share/gatewhy/event.schema.json"
cmp "$source/docs/monitoring/alerts.yaml" "$work/root/usr/share/gatewhy/alerts.yaml"
python3 -m json.tool "$work/root/usr/share/gatewhy/dashboard.json" >/dev/null
bash -n "$work/root/usr/share/bash-completion/completions/gatewhy"
for script in postinst prerm postrm; do sh -n "$work/control/$script"; done
echo "ok: $(basename "$package")"
