# Where an installed floor's things lie. Read by etc/install, etc/uninstall and etc/upgrade, which make runs with
# PREFIX, NAME, DESTDIR, ENVIRONMENT, EXTRAS, RESTORE and PYTHON set.

units=/usr/local/lib/systemd/system
sysusers=/usr/local/lib/sysusers.d/$NAME.conf
tmpfiles=/usr/local/lib/tmpfiles.d/$NAME.conf
cron=/etc/cron.d/$NAME
command=/usr/local/bin/$NAME
bash=/usr/local/share/bash-completion/completions/$NAME # completion of that command, in three shells
zsh=/usr/local/share/zsh/site-functions/_$NAME
fish=/usr/share/fish/vendor_completions.d/$NAME.fish # (it does not look into /usr/local)
folder=/etc/$NAME # settings
settings=$folder/floor.toml
state=/var/lib/$NAME
hand=/var/lib/$NAME.boss # what the boss's root half remembers
nouns="exchange clerk collector auditor dashboard"

die() { # CODE MESSAGE
    echo "$(basename "$0"): $2" >&2
    exit "$1"
}

said() { # KEY: what the installed copy says of itself, or nothing
    [ ! -r "$DESTDIR$PREFIX/etc/installed" ] || sed -n "s|^$1=||p" "$DESTDIR$PREFIX/etc/installed"
}

here() { # whether this is about the running system, not about files staged for another
    [ -z "$DESTDIR" ] && [ -d /run/systemd/system ]
}

# Groups of libraries beside what every floor needs: those named now, else those of the last time.
extras() {
    [ -n "$EXTRAS" ] || EXTRAS=$(said EXTRAS)
    [ "$EXTRAS" = none ] || echo "$EXTRAS"
}

check_words() {
    case $NAME in
    '' | *[!a-z0-9]* | [0-9]*) die 2 "name=$NAME: letters and digits, a letter first" ;;
    esac
    case $PREFIX in
    /*[!A-Za-z0-9./_-]* | [!/]* | */ | /usr | /opt | /etc | /var | /home) die 2 "prefix=$PREFIX: a folder of its own, like /opt/kalshi" ;;
    esac
    [ "$(id -u)" = 0 ] || [ -n "$DESTDIR" ] || die 78 "this needs root: sudo make …, or DESTDIR=FOLDER to stage the files"
    other=$(said NAME)
    [ -z "$other" ] || [ "$other" = "$NAME" ] || die 78 "$PREFIX holds the floor '$other' (name=$other, or another prefix)"
}
