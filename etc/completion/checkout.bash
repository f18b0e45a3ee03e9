# Completion of bin/PROGRAM in bash, for whoever works in a checkout:  . etc/completion/checkout.bash
. "${BASH_SOURCE[0]%/*}/outcry.bash"
_outcry_begin "$(realpath "${BASH_SOURCE[0]%/*}/../../bin")"
