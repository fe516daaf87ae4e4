#!/bin/sh
# Installs Debian's Chromium for tests/browser, where there is none yet and where we may: as root, with apt-get.
# Anywhere else it does nothing, for those tests say themselves what they miss.
set -eu

for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null 2>&1; then
        exit 0
    fi
done
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    exit 0
fi

# A machine without package lists needs them first; one that has them is spared the download.
install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo 'Installing Chromium for the browser tests'
if ! { install || { apt-get update -qq && install; }; } >"$log" 2>&1; then
    echo "waybill: Chromium could not be installed, so the browser tests cannot run; apt-get's last words were:" >&2
    tail -n 5 "$log" >&2
fi
