#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: acme_test.sh SOURCE_DIR GATEWHY
# certbot and lego get and renew a certificate through gatewhy, from an
# authority for tests, and the hook of the package puts it where gatewhy sees
# it: what docs/certificates.md says. gatewhy runs as another user.
set -euo pipefail
source=$(realpath "$1")
gatewhy=$(realpath "$2")
work=$(mktemp -d)
pids=()
cleanup() {
  [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT
chmod 755 "$work"
cd "$work"
mkdir certificates
read -r http https acme api management dns challenges origin < <(python3 - <<'PY'
import socket
held = [socket.socket() for _ in range(8)]
for s in held:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in held))
PY
)

self_signed() {  # NAME, subjectAltName
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -keyout "$1.key" -out "$1.pem" \
    -subj /CN=placeholder -addext "subjectAltName=$2" 2>/dev/null
}
self_signed api DNS:localhost,IP:127.0.0.1
self_signed certificates/shop.example DNS:shop.example
cat > pebble.json <<JSON
{"pebble": {"listenAddress": "127.0.0.1:$api", "managementListenAddress": "127.0.0.1:$management",
 "certificate": "$work/api.pem", "privateKey": "$work/api.key", "httpPort": $http, "tlsPort": $https,
 "ocspResponderURL": "", "externalAccountBindingRequired": false}}
JSON
pebble-challtestsrv -defaultIPv4 127.0.0.1 -defaultIPv6 "" -dns01 "127.0.0.1:$dns" -http01 "" -https01 "" \
  -tlsalpn01 "" -management "127.0.0.1:$challenges" > challenges.log 2>&1 & pids+=($!)
PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 pebble -config pebble.json -dnsserver "127.0.0.1:$dns" \
  > pebble.log 2>&1 & pids+=($!)
cat > gatewhy.yaml <<YAML
listeners:
  - {address: "127.0.0.1:$http", redirect_to_https: true}
  - address: "127.0.0.1:$https"
    tls: {certificates: [{certificate: certificates/shop.example.pem, key: certificates/shop.example.key}]}
origins:
  acme: {endpoints: ["http://127.0.0.1:$acme"]}
  shop: {endpoints: ["http://127.0.0.1:$origin"]}
routes:
  - {path: /.well-known/acme-challenge/, origin: acme}
  - {origin: shop}
log: {destination: stdout}
admin: {address: "off"}
YAML
group=$(getent group nogroup >/dev/null && echo nogroup || echo nobody)
as=()
if [ "$(id -u)" -eq 0 ]; then
  chgrp -R "$group" certificates && chmod 750 certificates && chmod 640 certificates/*
  as=(setpriv --reuid nobody --regid "$group" --clear-groups --bounding-set -all --no-new-privs)
else
  group=$(id -gn)
fi
export GATEWHY_CERTIFICATES=$work/certificates GATEWHY_GROUP=$group
"${as[@]}" "$gatewhy" run -c gatewhy.yaml > events.json 2> errors.txt & pids+=($!)
daemon=$!

wait_for() {  # WHAT COMMAND...
  local what=$1; shift
  for _ in $(seq 300); do
    "$@" && return
    sleep 0.1
  done
  echo "no $what in 30 s"
  cat events.json errors.txt
  exit 1
}
serves() { [ "$(grep -c '"event":"start"' events.json)" -ge 1 ]; }
renewed() { [ "$(grep -c '"outcome":"applied"' events.json)" -ge "$1" ]; }
refused() { [ "$(grep -c '"outcome":"refused"' events.json)" -ge "$1" ]; }
answers() { curl -s -o /dev/null --cacert api.pem "https://localhost:$api/dir"; }
shown() { openssl s_client -connect "127.0.0.1:$https" -servername shop.example </dev/null 2>/dev/null | openssl x509 -noout -"$1"; }
expect_shown() {
  case $(shown issuer) in *"$1"*) ;; *) echo "shown: $(shown issuer), not of $1"; cat events.json; exit 1 ;; esac
}
wait_for start serves
wait_for pebble answers
expect_shown placeholder

hook=$source/systemd/certificate-hook
certbot=(certbot --non-interactive --config-dir le --work-dir le-work --logs-dir le-logs)
export REQUESTS_CA_BUNDLE=$work/api.pem LEGO_CA_CERTIFICATES=$work/api.pem
"${certbot[@]}" certonly --agree-tos -m a@shop.example --server "https://127.0.0.1:$api/dir" --standalone \
  --http-01-port "$acme" --http-01-address 127.0.0.1 -d shop.example --deploy-hook "$hook" > certbot.log 2>&1 ||
  { cat certbot.log; exit 1; }
wait_for "first certificate of certbot" renewed 1
expect_shown "Pebble Intermediate"
first=$(shown serial)
"${certbot[@]}" renew --force-renewal --no-random-sleep-on-renew > certbot.log 2>&1 || { cat certbot.log; exit 1; }
wait_for "renewal by certbot" renewed 2
second=$(shown serial)

lego=(lego --accept-tos --email a@shop.example --server "https://127.0.0.1:$api/dir" --domains shop.example
  --http --http.port "127.0.0.1:$acme" --path lego)
"${lego[@]}" run --run-hook "$hook" > lego.log 2>&1 || { cat lego.log; exit 1; }
wait_for "first certificate of lego" renewed 3
third=$(shown serial)
"${lego[@]}" renew --days 9999 --no-random-sleep --renew-hook "$hook" > lego.log 2>&1 || { cat lego.log; exit 1; }
wait_for "renewal by lego" renewed 4
fourth=$(shown serial)
[ "$(printf '%s\n' "$first" "$second" "$third" "$fourth" | sort -u | wc -l)" -eq 4 ] || { echo "the same serial twice"; exit 1; }

# What does not fit is kept out.
cp api.key certificates/.new && chgrp "$group" certificates/.new && chmod 640 certificates/.new
mv certificates/.new certificates/shop.example.key
wait_for "refusal" refused 1
[ "$(shown serial)" = "$fourth" ] || { echo "the old certificate is gone"; exit 1; }

kill "$daemon"
wait "$daemon"
echo ok
