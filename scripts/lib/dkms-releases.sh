# shellcheck shell=bash
# The releases of dkms that the tests compare with, beside the machine's own.
# shellcheck disable=SC2034  # used by the scripts that read this file

NEWER_RELEASE=trixie # the Debian release that dkms is taken from: 3.2
