#!/bin/sh
# Builds a release for this machine twice and compares the bytes. Then it installs the Debian package in a copy of this
# system and runs it as in its unit, and runs the image's files as in its configuration: each must apply a PATCH. It needs
# root, Debian, python3 and curl; without them it exits with 69.
set -eu
cd "$(dirname "$0")/.."

# patched SERVER-PID: the example gets a new status, and the server ends cleanly. The steps are one list, because set -e has
# no effect in a function whose status is tested.
patched() {
	curl --silent --fail --output /dev/null --retry 60 --retry-delay 1 --retry-connrefused http://127.0.0.1:8081/readyz &&
		PFXR_TOKEN=$(chroot root pfxrd token) && export PFXR_TOKEN &&
		chroot root pfxr patch sample status=7 >/dev/null 2>&1 &&
		chroot root pfxr get sample 2>/dev/null | grep -q '"status": *7' &&
		kill -TERM "$1" && wait "$1"
}

prove_package() {
	mkdir upper overlay root
	mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=overlay root
	mount -t proc proc root/proc
	mount --bind /dev root/dev
	mount -t tmpfs tmpfs root/run # so that the system's own systemd is not involved
	cp first/*.deb root/package.deb
	# Without other packages' triggers, which would index all manual pages again.
	chroot root dpkg --no-triggers --force-unsafe-io --install /package.deb >dpkg.log 2>&1 || { cat dpkg.log >&2; exit 1; }
	chroot root pfxrd version
	chroot root man -l /usr/share/man/man1/pfxrd.1.gz 2>/dev/null | grep -q -- --require-if-match
	unit=root/usr/lib/systemd/system/pfxrd.service
	chroot root systemd-analyze verify "${unit#root}"
	# At most 2.0 of 10, in tenths: the rest is the network, which a server needs.
	chroot root systemd-analyze security --offline=true --threshold=20 "${unit#root}" >security.log || { cat security.log >&2; exit 1; }

	setting() { sed -n "s/^$1=//p" $unit; }
	echo PFXR_DEV=true >>root/etc/pfxrd/pfxrd.env
	chroot root install -d -o "$(setting User)" -g "$(setting Group)" -m "$(setting StateDirectoryMode)" "/var/lib/$(setting StateDirectory)"
	# shellcheck disable=SC2046 # a line is a word
	chroot root setpriv --reuid="$(setting User)" --regid="$(setting Group)" --clear-groups --bounding-set=-all --no-new-privs \
		env -i --chdir="$(setting WorkingDirectory)" $(grep -v '^#' root/etc/pfxrd/pfxrd.env) $(setting ExecStart) >package.log 2>&1 &
	patched $! || { cat package.log >&2; exit 1; }
	echo 'the Debian package applies a PATCH'
}

prove_removal() {
	chroot root dpkg --no-triggers --purge pfxrecryption >dpkg.log 2>&1 || { cat dpkg.log >&2; exit 1; }
	[ ! -e root/usr/bin/pfxrd ]
	[ "$(chroot root stat -c '%U %a' /var/lib/pfxr/pfxr.db)" = 'pfxrd 600' ] || { ls -l root/var/lib/pfxr >&2; exit 1; }
	echo 'its removal keeps the store'
}

prove_image() {
	mkdir image files
	tar -xf first/*_image.tar -C image
	# Prints user, environment and command of the only image.
	python3 - >image.args <<'PYTHON'
import json, pathlib, tarfile
blob = lambda d: pathlib.Path("image/blobs", d["digest"].replace(":", "/"))
read = lambda d: json.loads(blob(d).read_text())
manifest = read(read(json.load(open("image/index.json"))["manifests"][0])["manifests"][0])
for layer in manifest["layers"]:
    tarfile.open(blob(layer)).extractall("files")
config = read(manifest["config"])["config"]
print(config["User"], *config["Env"], "PFXR_DEV=true", "PFXR_LISTEN=127.0.0.1:8080", *config["Entrypoint"], *config["Cmd"], sep="\n")
PYTHON
	mkdir files/proc
	mount -t proc proc files/proc
	user=$(head -n 1 image.args)
	# Like for env, the variables precede the program, which is looked up inside. shellcheck disable=SC2046 # a line is
	# a word
	env -i $(sed 1d image.args | grep '^PFXR_') "$(command -v chroot)" --userspec="$user" files $(sed 1d image.args | grep -v '^PFXR_') >image.log 2>&1 &
	patched $! || { cat image.log >&2; exit 1; }
	echo "the image applies a PATCH as $user; its files: $(stat -c %s first/*_image.tar) bytes"
}

if [ "${1:-}" = inside ]; then
	cd "$2"
	ip link set lo up
	prove_package
	prove_image
	prove_removal
	exit
fi
for program in dpkg unshare python3 curl ip man systemd-sysusers systemd-analyze setpriv; do
	command -v $program >/dev/null && [ "$(id -u)" = 0 ] || { echo "the proof of the release needs root and $program" >&2; exit 69; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
platform=linux/$(go env GOHOSTARCH)
scripts/release.sh "$work/first" --no-npm --platform "$platform"
# In another folder, time zone, language and umask.
(
	umask 077
	git clone --quiet . "$work/elsewhere"
	TZ=Asia/Tokyo LC_ALL=C "$work/elsewhere/scripts/release.sh" "$work/second" --no-npm --platform "$platform"
)
diff -r "$work/first" "$work/second"
echo "a second build gives the same bytes"
# The namespaces end the unit's mounts, processes and ports.
unshare --mount --net --pid --fork --kill-child "$0" inside "$work"
